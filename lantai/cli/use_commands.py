"""Commands about the use register: list it, take it out."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from sqlalchemy.orm import Session
from starlette.datastructures import QueryParams

from access import use_register
from access.actors import Actor
from lantai import use_lists
from lantai.cli.output import Json, Reason, emit, say, table
from lantai.cli.session import opened
from lantai.site import Site
from lantai.use_lists import RegisterTable
from lantai.web.display import moment
from lantai.web.views_use import Asked, filters
from metadata.errors import Invalid

use = typer.Typer(help="Use register: list, export.", no_args_is_help=True)

Record = Annotated[str, typer.Option(help="Record id.")]
CaseFile = Annotated[str, typer.Option("--case-file", help="Case file id or household number.")]
Person = Annotated[str, typer.Option(help="User name, name or account id.")]
Organ = Annotated[str, typer.Option(help="Organ id.")]
Since = Annotated[str, typer.Option(help="First day, as 2026-01-01.")]
Until = Annotated[str, typer.Option(help="Last day, as 2026-12-31.")]
Act = Annotated[str, typer.Option(help="Act, as record.viewed.")]
Form = Annotated[str, typer.Option(help="screen, print, download, export, api, report.")]
Request = Annotated[str, typer.Option(help="Number or id of a request for access.")]
_KINDS = (".xlsx", ".csv", ".json")


def _asked(**given: str) -> Asked:
    return Asked.read(QueryParams({name: value for name, value in given.items() if value}))


def _enter(session: Session, site: Site, actor: Actor, act: str, reason: str, form: str) -> None:
    use_register.looked(session, archive=site.archive, actor=actor, act=act, reason=reason, form=form)


@use.command("list")
def list_(
    *,
    record: Record = "",
    case_file: CaseFile = "",
    person: Person = "",
    organ: Organ = "",
    since: Since = "",
    until: Until = "",
    act: Act = "",
    form: Form = "",
    request: Request = "",
    after: Annotated[int, typer.Option(help="`next` of the list before.")] = 0,
    limit: Annotated[int, typer.Option(min=1, max=500)] = 50,
    reason: Reason = "console",
    json: Json = False,
) -> None:
    """The use register, newest first; things by their ids. Entered in the register itself."""
    asked = _asked(
        record=record,
        case_file=case_file,
        person=person,
        organ=organ,
        since=since,
        until=until,
        act=act,
        form=form,
        request=request,
    )
    with opened() as (site, actor), site.archive.sessions.begin() as session:
        archive = site.archive
        wanted = filters(session, asked, actor, site.archive.profile)
        found = use_register.register(
            session, actor, archive.profile, filters=wanted, zone=archive.zone, after=after or None, limit=limit
        )
        _enter(session, site, actor, "register.viewed", reason, "screen")
        zone = archive.zone
    following = found[-1].seq if len(found) == limit else None
    if json:
        emit({"entries": [use_lists.row(one) for one in found], "next": following})
        return
    table(
        ["when", "who", "act", "record / case file", "purpose", "form"],
        [
            (
                moment(one.at, zone),
                one.actor_name,
                one.act,
                one.record_id or one.case_file_id or "",
                one.reason,
                one.form,
            )
            for one in found
        ],
    )
    if following:
        say(f"更早的记录：--after {following}", f"Earlier entries: --after {following}")


@use.command()
def export(
    path: Annotated[Path, typer.Argument(metavar="OUT", help="File to write: .xlsx, .csv or .json.")],
    *,
    record: Record = "",
    case_file: CaseFile = "",
    person: Person = "",
    organ: Organ = "",
    since: Since = "",
    until: Until = "",
    act: Act = "",
    form: Form = "",
    request: Request = "",
    language: Annotated[str, typer.Option(help="zh or en.")] = "zh",
    reason: Reason = "console",
    json: Json = False,
) -> None:
    """Write the use register to a file that does not exist yet; at most 100,000 entries. Entered in the register."""
    kind = path.suffix.lower()
    if kind not in _KINDS or path.exists():
        raise Invalid(
            "export.target",
            zh=f"{path} 应为尚不存在的 .xlsx、.csv 或 .json 文件；未写入任何内容。",
            en=f"{path} must be an .xlsx, .csv or .json file that is not there yet; nothing was written.",
            path=str(path),
        )
    asked = _asked(
        record=record,
        case_file=case_file,
        person=person,
        organ=organ,
        since=since,
        until=until,
        act=act,
        form=form,
        request=request,
    )
    with opened() as (site, actor):
        use_register.require_export(actor, site.archive.profile)
        with site.archive.sessions.begin() as session:
            wanted = filters(session, asked, actor, site.archive.profile)
            _enter(session, site, actor, "register.exported", reason, "export")
        register = RegisterTable(site.archive, actor, wanted, language)
        with path.open("xb") as out:
            if kind == ".xlsx":
                use_lists.write_xlsx(register, out)
            else:
                out.writelines(use_lists.chunks(register, kind[1:]))
    if json:
        emit({"path": str(path)})
    else:
        say(f"已导出到 {path}。", f"Exported to {path}.")


def add_to(app: typer.Typer) -> None:
    """Hang these commands on the root."""
    app.add_typer(use, name="use")
