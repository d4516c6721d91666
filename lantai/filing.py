"""Putting records into household files, taking them out and ordering them: pages, API and commands share this.

Who may describe in the division of the file and of the record may do it. Retention is settled in the same transaction.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from access import gate
from access.actors import Actor
from metadata.errors import Conflict, Forbidden, Invalid, NotFound
from metadata.profile import Profile
from metadata.rights import Permission
from repository import arranging
from repository.archive import Archive
from repository.cases import Filed
from repository.tables import CaseFile, CaseRecord, Hold, HoldSubject, Record
from retention.schedules import assign_records, settle_case

MOST = 500
"""Records that one act files, takes out or orders at most."""


def not_in_file() -> Invalid:
    """What is said of a record that does not stand in the case file, whether it is elsewhere, hidden or nowhere."""
    return arranging.not_in_file()


def may_arrange(actor: Actor, case: CaseFile, profile: Profile) -> bool:
    """Whether ``actor``, who may see the case file, may order it and change what stands in it."""
    return gate.allowed_at(
        actor, Permission.DESCRIBE, profile, division_code=case.division_code, organ_id=case.organ_id
    )


def case_to_arrange(
    session: Session, archive: Archive, actor: Actor, number: str, programme: str | None = None
) -> CaseFile:
    """The case file (id or household number), for who may arrange it; ``NotFound`` or ``Forbidden`` for others."""
    case = gate.get_case(session, actor, number, archive.profile, programme=programme)
    if not may_arrange(actor, case, archive.profile):
        raise Forbidden(
            "case.not_to_arrange",
            zh="您可以查看这个户档，但无权整理。请交由该区划的档案员整理。",
            en="You may see this household file, but not arrange it. The archivist of its division does that.",
        )
    return case


def records_to_describe(session: Session, archive: Archive, actor: Actor, record_ids: Sequence[str]) -> list[Record]:
    """The records, each once, for who may describe all of them; ``NotFound`` when one is hidden or not there."""
    ids = list(dict.fromkeys(record_ids))
    if not ids or len(ids) > MOST:
        raise Invalid(
            "records.number",
            zh=f"请选择 1 至 {MOST} 件档案。",
            en=f"Choose between 1 and {MOST} records.",
            most=MOST,
        )
    found = gate.records_by_id(session, actor, ids, archive.profile, permission=Permission.RECORD_LIST)
    if len(found) < len(ids):
        raise NotFound(
            "record.not_found",
            zh="所选档案中有的不存在，或您无权查看，本次没有改动。请刷新列表后重试。",
            en="Not all of the records chosen are there, or you may not see them; nothing was changed. Reload the list and try again.",
        )
    if any(gate.decide(actor, one, Permission.DESCRIBE, archive.profile) is None for one in found.values()):
        raise not_to_describe()
    return [found[one] for one in ids]


def not_to_describe() -> Forbidden:
    """What somebody is told who may see a record and not describe it."""
    return Forbidden(
        "record.not_to_describe",
        zh="您可以查看这件档案，但无权著录或整理。请交由该区划的档案员办理。",
        en="You may see this record, but not describe or arrange it. The archivist of its division does that.",
    )


def arrange(
    session: Session,
    *,
    archive: Archive,
    actor: Actor,
    case: CaseFile,
    order: Sequence[str],
    row_version: int | None = None,
) -> int:
    """Put the records in this order (``repository.arranging.arrange``); one that ``actor`` may not list counts as not there."""
    visible = gate.records_by_id(session, actor, order, archive.profile, permission=Permission.RECORD_LIST)
    if len(visible) != len(order):
        raise arranging.not_in_file()
    return arranging.arrange(session, archive=archive, actor=actor.ref, case=case, order=order, row_version=row_version)


def file_into(
    session: Session,
    *,
    archive: Archive,
    actor: Actor,
    case: CaseFile,
    record_ids: Sequence[str],
    row_version: int | None = None,
) -> list[str]:
    """File records into the case file; those that were not in it. Their retention follows the file's from now on."""
    records = records_to_describe(session, archive, actor, record_ids)
    filed = [Filed(one.id, one.document_type, one.dated) for one in records]
    new = arranging.put_in(session, archive=archive, actor=actor.ref, case=case, records=filed, row_version=row_version)
    _settle(session, archive, case, new)
    return new


def take_out(
    session: Session,
    *,
    archive: Archive,
    actor: Actor,
    case: CaseFile,
    record_ids: Sequence[str],
    row_version: int | None = None,
) -> list[str]:
    """Take records out of the case file; those that were in it. ``Conflict`` while a hold stands on the file."""
    records = records_to_describe(session, archive, actor, record_ids)
    held = (
        select(Hold.seq)
        .join(HoldSubject, HoldSubject.hold_id == Hold.id)
        .where(HoldSubject.kind == "case_file", HoldSubject.subject_id == case.id, Hold.lifted_at.is_(None))
        .limit(1)
    )
    if session.scalar(held) is not None:
        raise Conflict(
            "case.held",
            zh="这个户档已被冻结，不能移出档案。请在解除冻结后办理。",
            en="A hold stands on this household file: nothing leaves it. Do this after the hold is lifted.",
        )
    gone = arranging.take_out(
        session,
        archive=archive,
        actor=actor.ref,
        case=case,
        record_ids=[one.id for one in records],
        row_version=row_version,
    )
    _settle(session, archive, case, gone)
    return gone


def _settle(session: Session, archive: Archive, case: CaseFile, record_ids: Sequence[str]) -> None:
    if record_ids:
        session.flush()
        assign_records(session, archive=archive, record_ids=record_ids)
        settle_case(session, archive=archive, case_file_id=case.id)


def order_of(session: Session, archive: Archive, actor: Actor, case: CaseFile) -> list[str]:
    """Ids of the records of the case file that ``actor`` may list, in their order."""
    visible = gate.visible_records(actor, archive.profile, Permission.RECORD_LIST)
    wanted = (
        select(CaseRecord.record_id)
        .join(Record, Record.id == CaseRecord.record_id)
        .where(CaseRecord.case_file_id == case.id, visible)
        .order_by(CaseRecord.position)
    )
    return list(session.scalars(wanted))
