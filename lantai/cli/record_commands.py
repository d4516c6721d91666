"""Commands about what is in the holdings: correct a description, file records, order a household file."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from sqlalchemy.orm import Session

from access import gate
from access.actors import Actor
from access.use_register import looked
from lantai import filing, revising
from lantai.cli.archive_commands import record as records
from lantai.cli.output import Json, Reason, emit, say, table
from lantai.cli.retention_commands import case as cases
from lantai.cli.session import opened
from metadata.errors import Invalid
from metadata.rights import Permission
from repository.archive import Archive

Programme = Annotated[str | None, typer.Option(help="Code of the programme, when the household has several files.")]
Household = Annotated[str, typer.Option("--household", help="Household number, or the id of the household file.")]
Ids = Annotated[list[str], typer.Argument(metavar="RECORD...", help="Ids of records.")]


def describe(
    record: Annotated[str, typer.Argument(metavar="RECORD", help="Id of the record.")],
    *,
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="FIELD=VALUE", help=f"Once a field: {', '.join(revising.FIELDS)}."),
    ] = None,
    row_version: Annotated[int | None, typer.Option(help="Refuse when the record is at another state.")] = None,
    reason: Reason = "console",
    json: Json = False,
) -> None:
    """Show the description of a record, entered in the use register; with --set correct it, as a new revision.

    An empty value says: none.
    """
    typed = _fields(set_ or [])
    with opened() as (site, actor):
        archive = site.archive
        if typed:
            with archive.sessions.begin() as session:
                done = revising.revise(
                    session, archive=archive, actor=actor, record_id=record, typed=typed, row_version=row_version
                )
                found, changed = done.record, list(done.changed)
        else:
            with archive.sessions.begin() as session:
                found = gate.get_record(session, actor, record, archive.profile, permission=Permission.DESCRIBE)
                changed = []
                _enter(session, archive, actor, "record.viewed", reason, record_id=found.id)
        values = revising.shown(revising.current(found))
    state = {"record_id": found.id, "revision": found.description_revision, "row_version": found.row_version}
    if json:
        emit({**state, "changed": changed, "values": values})
        return
    table(("field", "value"), [(name, values[name]) for name in revising.FIELDS])
    if typed:
        say(
            f"第 {found.description_revision} 次修订，改动 {len(changed)} 项。" if changed else "内容相同，未作改动。",
            f"Revision {found.description_revision}; fields changed: {len(changed)}."
            if changed
            else "Nothing was different, so nothing was changed.",
        )


def _enter(
    session: Session,
    archive: Archive,
    actor: Actor,
    act: str,
    reason: str,
    *,
    record_id: str | None = None,
    case_file_id: str | None = None,
) -> None:
    looked(
        session,
        archive=archive,
        actor=actor,
        act=act,
        record_id=record_id,
        case_file_id=case_file_id,
        reason=reason,
        form="screen",
    )


def _fields(given: list[str]) -> dict[str, Any]:
    typed: dict[str, Any] = {}
    for one in given:
        name, equals, value = one.partition("=")
        if not equals or name not in revising.FIELDS:
            raise Invalid(
                "record.field",
                zh=f"没有著录项 {name[:40]}。请写成 项目=内容；可用：{'、'.join(revising.FIELDS)}。",
                en=f"There is no field {name[:40]}. Write FIELD=VALUE with one of: {', '.join(revising.FIELDS)}.",
            )
        typed[name] = value
    return typed


def file(
    ids: Ids,
    *,
    household: Household,
    programme: Programme = None,
    json: Json = False,
) -> None:
    """File records into a household file; those that stand there already are left alone."""
    with opened() as (site, actor), site.archive.sessions.begin() as session:
        case = filing.case_to_arrange(session, site.archive, actor, household, programme)
        new = filing.file_into(session, archive=site.archive, actor=actor, case=case, record_ids=ids)
        told = {"case_file_id": case.id, "filed": new, "revision": case.revision}
    if json:
        emit(told)
    else:
        say(f"已归入 {len(new)} 件。", f"Records filed: {len(new)}.")


def take_out(
    ids: Ids,
    *,
    household: Household,
    programme: Programme = None,
    json: Json = False,
) -> None:
    """Take records out of a household file; they stay in the holdings."""
    with opened() as (site, actor), site.archive.sessions.begin() as session:
        case = filing.case_to_arrange(session, site.archive, actor, household, programme)
        gone = filing.take_out(session, archive=site.archive, actor=actor, case=case, record_ids=ids)
        told = {"case_file_id": case.id, "taken_out": gone, "revision": case.revision}
    if json:
        emit(told)
    else:
        say(f"已移出 {len(gone)} 件。", f"Records taken out: {len(gone)}.")


def arrange(
    household: Annotated[str, typer.Argument(metavar="HOUSEHOLD", help="Household number, or id of the file.")],
    ids: Annotated[list[str] | None, typer.Argument(metavar="[RECORD...]", help="Records in the order wanted.")] = None,
    *,
    programme: Programme = None,
    reason: Reason = "console",
    json: Json = False,
) -> None:
    """Show the order of a household file, entered in the use register; with records, give them this order.

    Others keep their places.
    """
    with opened() as (site, actor), site.archive.sessions.begin() as session:
        case = filing.case_to_arrange(session, site.archive, actor, household, programme)
        if ids:
            filing.arrange(session, archive=site.archive, actor=actor, case=case, order=ids)
            session.flush()
        else:
            _enter(session, site.archive, actor, "case.viewed", reason, case_file_id=case.id)
        order = filing.order_of(session, site.archive, actor, case)
        found = gate.records_by_id(session, actor, order, site.archive.profile, permission=Permission.RECORD_LIST)
        rows = [(number, one, found[one].document_type, found[one].dated) for number, one in enumerate(order, start=1)]
        told = {"case_file_id": case.id, "records": order, "revision": case.revision, "row_version": case.row_version}
    if json:
        emit(told)
    else:
        table(("no", "record", "type", "dated"), rows)


def add_to(root: typer.Typer) -> None:
    """Hang these commands on the groups ``record`` and ``case``, which hang on the root already."""
    del root
    records.command()(describe)
    records.command()(file)
    records.command("take-out")(take_out)
    cases.command()(arrange)
