"""Records and case files as the gate hands them out: one by its number, or page by page."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

from sqlalchemy import Integer, Select, bindparam, exists, or_, select
from sqlalchemy.orm import Session

from access.actors import Actor
from access.criteria import all_lies_in, visible_cases, visible_records
from access.reach import kept
from access.scope import placed_in
from metadata.errors import NotFound
from metadata.identifiers import is_id
from metadata.profile import Profile
from metadata.rights import Permission
from repository.tables import CaseFile, CaseRecord, Household, Record

MOST = 500
"""Rows a page may have at most."""
_BATCH = 500


def get_record(
    session: Session,
    actor: Actor,
    record_id: str,
    profile: Profile,
    *,
    permission: Permission = Permission.RECORD_READ,
) -> Record:
    """The record, or ``NotFound`` (``record.not_found``) whether it is hidden or not there.

    The error names no id: who asked for a file would learn of its record.
    """
    found = session.scalars(
        select(Record).where(Record.id == record_id, visible_records(actor, profile, permission))
    ).one_or_none()
    if found is None:
        raise NotFound(
            "record.not_found",
            zh="没有这件档案，或您无权查看。请核对编号；如工作需要，请申请借阅。",
            en="There is no such record, or you may not see it. Check the number, or ask to borrow it.",
        )
    return found


def get_case(
    session: Session, actor: Actor, number: str, profile: Profile, *, programme: str | None = None
) -> CaseFile:
    """The case file with this id, or the household's (in ``programme``, else its first); ``NotFound`` as above."""
    wanted = (
        select(CaseFile)
        .join(Household, Household.id == CaseFile.household_id)
        .where(or_(CaseFile.id == number, Household.household_no == number), visible_cases(actor, profile))
        .order_by(CaseFile.seq)
        .limit(1)
    )
    if programme is not None:
        wanted = wanted.where(CaseFile.programme == programme)
    found = session.scalars(wanted).one_or_none()
    if found is None:
        raise NotFound(
            "case_file.not_found",
            zh="没有这个户档，或您无权查看。请核对户号；如工作需要，请申请借阅。",
            en="There is no such case file, or you may not see it. Check the household number, or ask to borrow it.",
        )
    return found


def case_meant(session: Session, number: str) -> str | None:
    """The id of the case file meant by an id or a household number, seen or not: for the use register, never shown."""
    if is_id(number):
        return number
    return session.scalar(
        select(CaseFile.id)
        .join(Household, Household.id == CaseFile.household_id)
        .where(Household.household_no == number)
        .order_by(CaseFile.seq)
        .limit(1)
    )


def list_records(
    session: Session,
    actor: Actor,
    profile: Profile,
    *,
    after: int = 0,
    limit: int = 50,
    case_file_id: str | None = None,
    document_type: str | None = None,
    in_tray: bool = False,
    submission_id: str | None = None,
    permission: Permission = Permission.RECORD_LIST,
) -> list[Record]:
    """Records that may be listed, by ``seq`` after ``after``.

    With ``case_file_id``: in the order of the case file, ``after`` a position in it. ``in_tray``: only records that
    stand in no case file.
    """
    given = {"case_file_id": case_file_id, "document_type": document_type, "submission_id": submission_id}
    asked = frozenset(name for name, value in given.items() if value is not None)
    wanted = kept(
        actor,
        (f"list of records {permission} {sorted(asked)} {in_tray}", permission),
        profile,
        lambda: _listing(actor, profile, permission, asked, in_tray=in_tray),
    )
    values = {name: given[name] for name in asked}
    return list(session.scalars(wanted, {**values, "after": after, "most": min(limit, MOST)}))


def _listing(
    actor: Actor, profile: Profile, permission: Permission, asked: frozenset[str], *, in_tray: bool
) -> Select[tuple[Record]]:
    """The query of a list, made once for an actor: to make it anew costs as much as to ask it."""
    wanted = select(Record).where(visible_records(actor, profile, permission)).limit(bindparam("most", type_=Integer()))
    after = bindparam("after", type_=Record.seq.type)
    if "case_file_id" in asked:
        wanted = (
            wanted.join(CaseRecord, CaseRecord.record_id == Record.id)
            .where(CaseRecord.case_file_id == bindparam("case_file_id"), CaseRecord.position > after)
            .order_by(CaseRecord.position, Record.seq)
        )
    else:
        wanted = wanted.where(Record.seq > after).order_by(Record.seq)
        if "submission_id" not in asked and not in_tray:
            wanted = wanted.where(all_lies_in(Record, actor, profile, permission))
    if "document_type" in asked:
        wanted = wanted.where(Record.document_type == bindparam("document_type"))
    if "submission_id" in asked:
        wanted = wanted.where(Record.submission_id == bindparam("submission_id"))
    if in_tray:
        wanted = wanted.where(Record.filed.is_(False), ~exists().where(CaseRecord.record_id == Record.id))
    return wanted


def kinds_present(session: Session, case_file_id: str) -> frozenset[str]:
    """Document types of all records that stand in a case file, visible or not: what is there is not missing.

    For the reckoning of missing papers only, and only for a case file that the gate has let through.
    """
    wanted = (
        select(Record.document_type)
        .join(CaseRecord, CaseRecord.record_id == Record.id)
        .where(CaseRecord.case_file_id == case_file_id, Record.state == "active", Record.document_type.is_not(None))
        .distinct()
    )
    return frozenset(one for one in session.scalars(wanted) if one)


def cases_of(session: Session, actor: Actor, profile: Profile, record_ids: Iterable[str]) -> dict[str, list[CaseFile]]:
    """The case files in which records stand, by record, as far as the actor may see those files."""
    wanted = (
        select(CaseRecord.record_id, CaseFile)
        .join(CaseFile, CaseFile.id == CaseRecord.case_file_id)
        .where(CaseRecord.record_id.in_(list(record_ids)), visible_cases(actor, profile))
        .order_by(CaseFile.seq)
    )
    made: dict[str, list[CaseFile]] = defaultdict(list)
    for record_id, case in session.execute(wanted).tuples():
        made[record_id].append(case)
    return made


def file_numbers(
    session: Session, actor: Actor, profile: Profile, record_ids: Iterable[str]
) -> dict[str, list[tuple[str, str, str, bool]]]:
    """Of records that the actor was let through to: the household files that they stand in, by record.

    Each as id, household number, archival code (or nothing), and whether the actor may see the file itself.
    """
    wanted = (
        select(CaseRecord.record_id, CaseFile.id, Household.household_no, CaseFile.archival_code)
        .join(CaseFile, CaseFile.id == CaseRecord.case_file_id)
        .join(Household, Household.id == CaseFile.household_id)
        .where(CaseRecord.record_id.in_(list(record_ids)))
        .order_by(CaseFile.seq)
    )
    rows = session.execute(wanted).tuples().all()
    named = {case_id for _, case_id, _, _ in rows}
    seen = set(session.scalars(select(CaseFile.id).where(CaseFile.id.in_(named), visible_cases(actor, profile))))
    made: dict[str, list[tuple[str, str, str, bool]]] = defaultdict(list)
    for record_id, case_id, number, code in rows:
        made[record_id].append((case_id, number, code or "", case_id in seen))
    return made


def list_cases(
    session: Session,
    actor: Actor,
    profile: Profile,
    *,
    after: int = 0,
    limit: int = 50,
    programme: str | None = None,
    household_no: str | None = None,
    division_prefix: str | None = None,
) -> list[CaseFile]:
    """Case files that may be seen, by ``seq`` after ``after``."""
    wanted = (
        select(CaseFile)
        .where(visible_cases(actor, profile), CaseFile.seq > after)
        .order_by(CaseFile.seq)
        .limit(min(limit, MOST))
    )
    if programme is not None:
        wanted = wanted.where(CaseFile.programme == programme)
    if household_no is None and not division_prefix:
        wanted = wanted.where(all_lies_in(CaseFile, actor, profile, Permission.CASE_READ))
    if household_no is not None:
        wanted = wanted.join(Household, Household.id == CaseFile.household_id).where(
            Household.household_no == household_no
        )
    if division_prefix:
        wanted = wanted.where(placed_in(CaseFile, division_prefix))
    return list(session.scalars(wanted))


def records_by_id(
    session: Session,
    actor: Actor,
    ids: Sequence[str],
    profile: Profile,
    *,
    permission: Permission = Permission.RECORD_READ,
) -> dict[str, Record]:
    """Those of ``ids`` that ``actor`` may see: every page of hits passes here, whatever the index said."""
    criterion = visible_records(actor, profile, permission)
    found: dict[str, Record] = {}
    for start in range(0, len(ids), _BATCH):
        rows = session.scalars(select(Record).where(Record.id.in_(ids[start : start + _BATCH]), criterion))
        found.update({row.id: row for row in rows})
    return found


def cases_by_id(
    session: Session,
    actor: Actor,
    ids: Iterable[str],
    profile: Profile,
    *,
    permission: Permission = Permission.CASE_READ,
) -> dict[str, CaseFile]:
    """Those of the case files ``ids`` that ``actor`` may see."""
    wanted, criterion = list(ids), visible_cases(actor, profile, permission)
    found: dict[str, CaseFile] = {}
    for start in range(0, len(wanted), _BATCH):
        rows = session.scalars(select(CaseFile).where(CaseFile.id.in_(wanted[start : start + _BATCH]), criterion))
        found.update({row.id: row for row in rows})
    return found


def cases_numbered(
    session: Session, actor: Actor, numbers: Sequence[str], profile: Profile, *, permission: Permission
) -> list[tuple[str, str]]:
    """Household number and id of each case file of these households that ``actor`` may do ``permission`` on."""
    wanted = (
        select(Household.household_no, CaseFile.id)
        .join(CaseFile, CaseFile.household_id == Household.id)
        .where(Household.household_no.in_(numbers), visible_cases(actor, profile, permission))
    )
    return list(session.execute(wanted).tuples())


def select_records(actor: Actor, profile: Profile, permission: Permission) -> Select[tuple[Record]]:
    """The records that ``actor`` may do ``permission`` on, for a list that narrows and orders them further."""
    return select(Record).where(visible_records(actor, profile, permission))
