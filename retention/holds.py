"""Holds (冻结): what an authority wants kept is not appraised, transferred or destroyed while the hold stands.

A hold works from the moment it is placed. Its lifting works only when the ledger entry of the lifting is sealed: until
then nobody could prove who gave the record free. That a hold exists may itself be secret, so whoever lacks
``hold.read`` in scope sees nothing of it; ``held`` and ``blocks`` know all holds and are asked by the program alone.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final, Literal

from sqlalchemy import ColumnElement, Select, and_, exists, false, func, insert, or_, select, union_all
from sqlalchemy.orm import Session

from access.actors import Actor
from access.gate import allowed, visible_cases, visible_records
from metadata.errors import Conflict, NotFound
from metadata.profile import Profile
from metadata.rights import Permission
from repository.tables import CaseFile, CaseRecord, Hold, HoldSubject, LedgerEntry, LedgerPending, Record

RECORD: Final = "record"
CASE_FILE: Final = "case_file"
Kind = Literal["record", "case_file"]
State = Literal["standing", "lifting", "lifted"]
_BATCH = 400


@dataclass(frozen=True, slots=True)
class HoldInForce:
    """A hold that stands over a record; ``through``: it names the record itself, or a case file the record is in.

    ``lifting``: somebody lifted it, and the entry is not sealed yet.
    """

    id: str
    title: str
    authority: str
    reference: str
    placed_at: datetime
    review_on: date | None
    through: Kind
    lifting: bool


def in_force() -> ColumnElement[bool]:
    """The criterion on ``Hold``: not lifted, or lifted by an entry that no block holds yet."""
    waits = exists().where(LedgerPending.entry_seq == LedgerEntry.seq)
    sealed = exists().where(LedgerEntry.id == Hold.lift_entry, ~waits)
    return or_(Hold.lift_entry.is_(None), ~sealed)


def held(session: Session, record_ids: Sequence[str]) -> dict[str, list[HoldInForce]]:
    """The holds in force over each of the records, in the order they were placed; records without one are left out.

    It tells of every hold, whoever asks: show it to nobody without ``visible_holds`` (``shown``).
    """
    return _held(session, record_ids, in_force())


def blocks(session: Session, record_ids: Sequence[str]) -> frozenset[str]:
    """Those of the records that a hold keeps from being appraised, transferred or destroyed: ask before each of them."""
    return frozenset(held(session, record_ids))


def require_free(session: Session, record_ids: Sequence[str]) -> None:
    """``Conflict`` (``hold.in_force``) when a hold stands over any of the records; it says how many, not which hold."""
    blocked = blocks(session, record_ids)
    if blocked:
        raise Conflict(
            "hold.in_force",
            zh=f"其中 {len(blocked)} 件档案已被冻结，不能鉴定、移交或销毁。请先由有权人解除冻结。",
            en=f"Holds stand over {len(blocked)} of these records; they are not appraised, transferred or destroyed. Whoever may lift the holds must do so first.",
            count=len(blocked),
        )


def shown(session: Session, actor: Actor, profile: Profile, record_ids: Sequence[str]) -> dict[str, list[HoldInForce]]:
    """As ``held``, of the holds that ``actor`` may know of.

    Whether there is any hold at all is asked first: most records stand under none, and who may know of it is much to ask.
    """
    if not allowed(actor, Permission.HOLD_READ, profile):
        return {}
    named = _named(session, record_ids)
    return _held(session, named, and_(in_force(), visible_holds(actor, profile))) if named else {}


def _named(session: Session, record_ids: Sequence[str]) -> list[str]:
    """Those of the records that some hold names, itself or a case file that they are in, in force or not."""
    found: set[str] = set()
    for start in range(0, len(record_ids), _BATCH):
        part = record_ids[start : start + _BATCH]
        direct = select(HoldSubject.subject_id).where(HoldSubject.kind == RECORD, HoldSubject.subject_id.in_(part))
        by_case = (
            select(CaseRecord.record_id)
            .join(HoldSubject, HoldSubject.subject_id == CaseRecord.case_file_id)
            .where(HoldSubject.kind == CASE_FILE, CaseRecord.record_id.in_(part))
        )
        found.update(session.scalars(union_all(direct, by_case)))
    return [one for one in record_ids if one in found]


def over_case(session: Session, actor: Actor, profile: Profile, case_file_id: str) -> list[HoldInForce]:
    """The holds in force over a whole case file that ``actor`` may know of."""
    if not allowed(actor, Permission.HOLD_READ, profile):
        return []
    wanted = (
        select(Hold)
        .join(HoldSubject, HoldSubject.hold_id == Hold.id)
        .where(
            HoldSubject.kind == CASE_FILE,
            HoldSubject.subject_id == case_file_id,
            in_force(),
            visible_holds(actor, profile),
        )
        .order_by(Hold.seq)
    )
    return [_one(hold, CASE_FILE) for hold in session.scalars(wanted)]


def _held(session: Session, record_ids: Sequence[str], criterion: ColumnElement[bool]) -> dict[str, list[HoldInForce]]:
    found: dict[str, dict[str, HoldInForce]] = defaultdict(dict)
    for start in range(0, len(record_ids), _BATCH):
        part = record_ids[start : start + _BATCH]
        direct = (
            select(HoldSubject.subject_id, Hold)
            .join(Hold, Hold.id == HoldSubject.hold_id)
            .where(HoldSubject.kind == RECORD, HoldSubject.subject_id.in_(part), criterion)
            .order_by(Hold.seq)
        )
        by_case = (
            select(CaseRecord.record_id, Hold)
            .join(HoldSubject, HoldSubject.subject_id == CaseRecord.case_file_id)
            .join(Hold, Hold.id == HoldSubject.hold_id)
            .where(HoldSubject.kind == CASE_FILE, CaseRecord.record_id.in_(part), criterion)
            .order_by(Hold.seq)
        )
        through: tuple[tuple[Kind, Select[tuple[str, Hold]]], ...] = ((RECORD, direct), (CASE_FILE, by_case))
        for kind, wanted in through:
            for record_id, hold in session.execute(wanted).tuples():
                found[record_id].setdefault(hold.id, _one(hold, kind))
    return {
        record_id: sorted(holds.values(), key=lambda one: (one.placed_at, one.id)) for record_id, holds in found.items()
    }


def _one(hold: Hold, through: Kind) -> HoldInForce:
    return HoldInForce(
        id=hold.id,
        title=hold.title,
        authority=hold.authority,
        reference=hold.reference,
        placed_at=hold.placed_at,
        review_on=hold.review_on,
        through=through,
        lifting=hold.lift_entry is not None,
    )


def visible_holds(actor: Actor, profile: Profile, permission: Permission = Permission.HOLD_READ) -> ColumnElement[bool]:
    """The criterion on ``Hold`` for what ``actor`` may know of: one of its records or case files lies in her reach.

    Whoever placed a hold sees it for as long as she may see holds at all.
    """
    if not allowed(actor, permission, profile):
        return false()
    # asked hold by hold, so that the first of its records in reach is enough
    record = (
        select(HoldSubject.hold_id)
        .join(Record, Record.id == HoldSubject.subject_id)
        .where(HoldSubject.hold_id == Hold.id, HoldSubject.kind == RECORD, visible_records(actor, profile, permission))
        .correlate(Hold)
    )
    case = (
        select(HoldSubject.hold_id)
        .join(CaseFile, CaseFile.id == HoldSubject.subject_id)
        .where(HoldSubject.hold_id == Hold.id, HoldSubject.kind == CASE_FILE, visible_cases(actor, profile, permission))
        .correlate(Hold)
    )
    return or_(Hold.placed_by == actor.id, record.exists(), case.exists())


def get_hold(session: Session, actor: Actor, hold_id: str, profile: Profile, *, to_change: bool = False) -> Hold:
    """The hold, or ``NotFound`` (``hold.not_found``) whether it is hidden or not there.

    ``to_change``: nobody else changes it before this transaction ends.
    """
    wanted = select(Hold).where(Hold.id == hold_id, visible_holds(actor, profile))
    found = session.scalars(wanted.with_for_update() if to_change else wanted).one_or_none()
    if found is None:
        raise NotFound(
            "hold.not_found",
            zh="没有这项冻结，或您无权查看。请核对编号。",
            en="There is no such hold, or you may not see it. Check the number.",
        )
    return found


def list_holds(
    session: Session,
    actor: Actor,
    profile: Profile,
    *,
    state: Literal["all", "in_force", "lifted", "review"] = "in_force",
    today: date | None = None,
    after: int = 0,
    limit: int = 50,
) -> list[Hold]:
    """Holds that ``actor`` may know of, newest first, by ``seq`` below ``after``.

    ``review``: in force and to be reviewed on or before ``today``.
    """
    if not allowed(actor, Permission.HOLD_READ, profile):
        return []
    wanted = select(Hold).where(visible_holds(actor, profile)).order_by(Hold.seq.desc()).limit(limit)
    if state == "in_force":
        wanted = wanted.where(in_force())
    elif state == "lifted":
        wanted = wanted.where(~in_force())
    elif state == "review":
        wanted = wanted.where(in_force(), Hold.lift_entry.is_(None), Hold.review_on <= today)
    if after:
        wanted = wanted.where(Hold.seq < after)
    return list(session.scalars(wanted))


def to_review(session: Session, actor: Actor, profile: Profile, today: date, *, limit: int = 20) -> list[Hold]:
    """Holds whose day of review has come: what the person who keeps holds is reminded of."""
    return list_holds(session, actor, profile, state="review", today=today, limit=limit)


def state_of(session: Session, hold: Hold) -> State:
    """Whether the hold stands, is being lifted (its entry waits to be sealed) or was lifted."""
    if hold.lift_entry is None:
        return "standing"
    standing = session.scalar(select(Hold.id).where(Hold.id == hold.id, in_force()))
    return "lifting" if standing is not None else "lifted"


def subjects_of(session: Session, hold_id: str) -> list[tuple[str, str]]:
    """All that the hold names, as (kind, id): for the program alone."""
    wanted = select(HoldSubject.kind, HoldSubject.subject_id).where(HoldSubject.hold_id == hold_id)
    return [
        (kind, subject_id)
        for kind, subject_id in session.execute(wanted.order_by(HoldSubject.kind, HoldSubject.subject_id)).tuples()
    ]


def insert_subjects(session: Session, hold_id: str, subjects: Sequence[tuple[str, str]]) -> None:
    """Say what the hold names."""
    session.execute(
        insert(HoldSubject), [{"hold_id": hold_id, "kind": kind, "subject_id": one} for kind, one in subjects]
    )


def counted(session: Session, actor: Actor, profile: Profile, hold_id: str) -> tuple[int, int]:
    """How many records and case files of the hold lie in the person's reach: no more is told to her."""
    return reached(session, actor, profile, hold_id, Permission.HOLD_READ)


def reached(session: Session, actor: Actor, profile: Profile, hold_id: str, permission: Permission) -> tuple[int, int]:
    """How many records and case files of the hold ``permission`` reaches."""
    records = (
        select(func.count())
        .select_from(HoldSubject)
        .join(Record, Record.id == HoldSubject.subject_id)
        .where(HoldSubject.hold_id == hold_id, HoldSubject.kind == RECORD, visible_records(actor, profile, permission))
    )
    cases = (
        select(func.count())
        .select_from(HoldSubject)
        .join(CaseFile, CaseFile.id == HoldSubject.subject_id)
        .where(HoldSubject.hold_id == hold_id, HoldSubject.kind == CASE_FILE, visible_cases(actor, profile, permission))
    )
    return int(session.scalar(records) or 0), int(session.scalar(cases) or 0)


def records_of(
    session: Session, actor: Actor, profile: Profile, hold_id: str, *, after: int = 0, limit: int = 50
) -> list[Record]:
    """Records that the hold names and ``actor`` may list, by ``seq``."""
    wanted = (
        select(Record)
        .join(HoldSubject, HoldSubject.subject_id == Record.id)
        .where(
            HoldSubject.hold_id == hold_id,
            HoldSubject.kind == RECORD,
            Record.seq > after,
            visible_records(actor, profile, Permission.RECORD_LIST),
        )
        .order_by(Record.seq)
        .limit(limit)
    )
    return list(session.scalars(wanted))


def cases_of(
    session: Session, actor: Actor, profile: Profile, hold_id: str, *, after: int = 0, limit: int = 50
) -> list[CaseFile]:
    """Case files that the hold names and ``actor`` may see, by ``seq``."""
    wanted = (
        select(CaseFile)
        .join(HoldSubject, HoldSubject.subject_id == CaseFile.id)
        .where(
            HoldSubject.hold_id == hold_id,
            HoldSubject.kind == CASE_FILE,
            CaseFile.seq > after,
            visible_cases(actor, profile),
        )
        .order_by(CaseFile.seq)
        .limit(limit)
    )
    return list(session.scalars(wanted))
