"""The gate: the one way to a record or a case file.

Default deny. What an actor may see is the union over the roles held of

    permission of the role  x  divisions of the organ where it is held  x  access level and marks of the record,

for records that are active. What the profile permits ``on_grant`` is permitted only for what a grant in force names, as far as the grant says so; level
and marks of the record count there too, its division does not. A thing that is not visible is ``NotFound``, worded exactly
as if it were not there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, and_, exists, false, func, or_, select, true
from sqlalchemy.orm import InstrumentedAttribute, Session

from access.actors import Actor, GrantHeld, RoleHeld
from access.scope import marks_within, within_divisions
from metadata.errors import Forbidden, NotFound
from metadata.identifiers import is_id
from metadata.profile import Profile, Role
from metadata.rights import ACCESS_LEVELS, Permission
from repository.tables import CaseFile, CaseRecord, GrantSubject, Household, Record, RequestSubject

MOST = 500
"""Rows a page may have at most."""
_BATCH = 500


def _granted(actor: Actor, permission: Permission, profile: Profile) -> Iterator[tuple[RoleHeld, Role, bool]]:
    """Roles that permit ``permission``, and whether only for what belongs to the organ itself."""
    if actor.narrowed_from(permission):
        return
    for held in actor.roles:
        role = profile.roles.get(held.role)
        if role is None:
            continue
        if permission in role.permissions:
            yield held, role, False
        elif permission in role.own:
            yield held, role, True


def _by_grant(actor: Actor, permission: Permission, profile: Profile) -> Iterator[tuple[GrantHeld, Role]]:
    """Grants in force that permit ``permission``, each with every role held through which it does."""
    if actor.narrowed_from(permission):
        return
    for grant in actor.grants:
        if permission not in grant.permissions:
            continue
        for code in actor.role_codes:
            role = profile.roles.get(code)
            if role is not None and permission in role.on_grant:
                yield grant, role


def allowed(actor: Actor, permission: Permission, profile: Profile) -> bool:
    """Whether ``actor`` may do ``permission`` at all; where, the criteria below say."""
    standing = next(_granted(actor, permission, profile), None)
    return standing is not None or next(_by_grant(actor, permission, profile), None) is not None


def require(actor: Actor, permission: Permission, profile: Profile) -> None:
    """``Forbidden`` (``access.forbidden``) unless ``allowed``."""
    if not allowed(actor, permission, profile):
        raise Forbidden(
            "access.forbidden",
            zh="您的角色没有这项权限。如工作需要，请向安全保密管理员申请。",
            en="None of your roles permits this. Ask the security administrator if your work needs it.",
            permission=permission.value,
        )


def allowed_at(
    actor: Actor, permission: Permission, profile: Profile, *, division_code: str, organ_id: str | None = None
) -> bool:
    """Whether a role permits ``permission`` on something of this division (and organ): describe, accept.

    For one record ask ``decide``, which knows grants, level and marks.
    """
    for held, _, own in _granted(actor, permission, profile):
        inside = held.everywhere or (bool(held.division_prefix) and division_code.startswith(held.division_prefix))
        if inside and (not own or organ_id == held.organ_id):
            return True
    return False


def _reached(
    held: RoleHeld, own: bool, division: InstrumentedAttribute[str], organ: InstrumentedAttribute[str]
) -> ColumnElement[bool]:
    criterion = true() if held.everywhere else within_divisions(division, held.division_prefix)
    return and_(criterion, organ == held.organ_id) if own else criterion


@dataclass(frozen=True, slots=True)
class Because:
    """Why something is permitted: by a role held in an organ, or by a grant (``role`` is then the one it works through)."""

    role: str
    organ_id: str | None = None
    grant: GrantHeld | None = None


def decide(actor: Actor, record: Record, permission: Permission, profile: Profile) -> Because | None:
    """Why ``actor`` may do ``permission`` on ``record``, or None: the same answer as ``visible_records``, in memory."""
    if record.state != "active":
        return None
    marks = set(record.access_marks)
    for held, role, own in _granted(actor, permission, profile):
        inside = held.everywhere or (
            bool(held.division_prefix) and record.division_code.startswith(held.division_prefix)
        )
        if (
            inside
            and (not own or record.organ_id == held.organ_id)
            and record.access_level in role.access_levels
            and marks <= role.marks
        ):
            return Because(held.role, held.organ_id)
    for grant, role in _by_grant(actor, permission, profile):
        if record.id in grant.record_ids and record.access_level in role.access_levels and marks <= role.marks:
            return Because(role.code, grant=grant)
    return None


def visible_records(
    actor: Actor, profile: Profile, permission: Permission = Permission.RECORD_READ
) -> ColumnElement[bool]:
    """The criterion on ``Record`` for what ``actor`` may see with ``permission``."""
    reached = [
        and_(
            _reached(held, own, Record.division_code, Record.organ_id),
            Record.access_level.in_(role.access_levels),
            marks_within(Record.access_marks, role.marks),
        )
        for held, role, own in _granted(actor, permission, profile)
    ]
    reached += [
        and_(
            _named_in(Record.id, "record", grants),
            Record.access_level.in_(role.access_levels),
            marks_within(Record.access_marks, role.marks),
        )
        for role, grants in _grants_by_role(actor, permission, profile)
    ]
    # coalesce keeps SQLite from walking the whole index on state when a few ids were asked for
    return and_(func.coalesce(Record.state, "") == "active", or_(*reached)) if reached else false()


def visible_cases(actor: Actor, profile: Profile) -> ColumnElement[bool]:
    """The criterion on ``CaseFile`` for what ``actor`` may see."""
    reached = [
        _reached(held, own, CaseFile.division_code, CaseFile.organ_id)
        for held, _, own in _granted(actor, Permission.CASE_READ, profile)
    ]
    reached += [
        _named_in(CaseFile.id, "case_file", grants)
        for _, grants in _grants_by_role(actor, Permission.CASE_READ, profile)
    ]
    return or_(*reached) if reached else false()


def _grants_by_role(actor: Actor, permission: Permission, profile: Profile) -> list[tuple[Role, list[GrantHeld]]]:
    found: dict[str, tuple[Role, list[GrantHeld]]] = {}
    for grant, role in _by_grant(actor, permission, profile):
        found.setdefault(role.code, (role, []))[1].append(grant)
    return list(found.values())


def _named_in(column: InstrumentedAttribute[str], kind: str, grants: Sequence[GrantHeld]) -> ColumnElement[bool]:
    """Whether ``column`` is named by one of the grants, or by a request that waits for the person's decision."""
    ids = [one.id for one in grants if not one.waiting]
    waiting = [one.id for one in grants if one.waiting]
    named = (
        [select(GrantSubject.subject_id).where(GrantSubject.grant_id.in_(ids), GrantSubject.kind == kind)]
        if ids
        else []
    )
    if waiting:
        named.append(
            select(RequestSubject.subject_id).where(RequestSubject.request_id.in_(waiting), RequestSubject.kind == kind)
        )
    return or_(*(column.in_(one) for one in named))


def known_households(actor: Actor, profile: Profile, *, organ_prefix: str) -> ColumnElement[bool]:
    """The criterion on ``Household`` for what ``actor``, who deposits for an organ, may learn to be there at all.

    Those of the organ's own divisions (``organ_prefix``, empty reaches none), of the divisions where a role of hers
    deposits, and those with a case file that she may see: that somebody receives assistance is itself a fact about her.
    """
    reached = [
        true() if held.everywhere else within_divisions(Household.division_code, held.division_prefix)
        for held, _, _ in _granted(actor, Permission.DEPOSIT, profile)
    ]
    if organ_prefix:
        reached.append(within_divisions(Household.division_code, organ_prefix))
    seen = exists().where(CaseFile.household_id == Household.id, visible_cases(actor, profile))
    return or_(seen, *reached)


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
    wanted = select(Record).where(visible_records(actor, profile, permission)).limit(min(limit, MOST))
    if case_file_id is not None:
        wanted = (
            wanted.join(CaseRecord, CaseRecord.record_id == Record.id)
            .where(CaseRecord.case_file_id == case_file_id, CaseRecord.position > after)
            .order_by(CaseRecord.position, Record.seq)
        )
    else:
        wanted = wanted.where(Record.seq > after).order_by(Record.seq)
    if document_type is not None:
        wanted = wanted.where(Record.document_type == document_type)
    if submission_id is not None:
        wanted = wanted.where(Record.submission_id == submission_id)
    if in_tray:
        wanted = wanted.where(~exists().where(CaseRecord.record_id == Record.id))
    return list(session.scalars(wanted))


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
    if household_no is not None:
        wanted = wanted.join(Household, Household.id == CaseFile.household_id).where(
            Household.household_no == household_no
        )
    if division_prefix:
        wanted = wanted.where(within_divisions(CaseFile.division_code, division_prefix))
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


@dataclass(frozen=True, slots=True)
class PermissionClause:
    """What one role reaches: divisions that begin with ``prefix`` (``None``: all), these levels, only these marks."""

    prefix: str | None
    levels: tuple[str, ...]
    marks: frozenset[str]


@dataclass(frozen=True, slots=True)
class PermissionTerms:
    """What an actor may find, for the index.

    ``clauses`` is exact: one per role, joined by OR. The other fields are their union for an index that knows only one
    product of terms: never narrower than the truth, and the gate checks every page of hits again. ``excluded_marks``
    are marks of the profile that no role is cleared for. ``record_ids`` and ``case_file_ids`` are what grants name besides.
    None of them: nothing may be found.
    """

    prefixes: tuple[str, ...]
    levels: tuple[str, ...]
    everything: bool
    excluded_marks: tuple[str, ...]
    clauses: tuple[PermissionClause, ...]
    record_ids: tuple[str, ...] = ()
    case_file_ids: tuple[str, ...] = ()


def permission_terms(
    actor: Actor, profile: Profile, permission: Permission = Permission.RECORD_READ
) -> PermissionTerms:
    """The terms that stand for ``visible_records`` in the index.

    What a role may see only of its own organ is left out: the index does not know organs.
    """
    clauses = tuple(
        dict.fromkeys(
            PermissionClause(None if held.everywhere else held.division_prefix, role.access_levels, role.marks)
            for held, role, own in _granted(actor, permission, profile)
            if not own and (held.everywhere or held.division_prefix)
        )
    )
    levels = _union(clause.levels for clause in clauses)
    cleared = frozenset(mark for clause in clauses for mark in clause.marks)
    excluded = tuple(mark for mark in profile.access_marks if mark not in cleared)
    return PermissionTerms(
        prefixes=tuple(dict.fromkeys(clause.prefix for clause in clauses if clause.prefix is not None)),
        levels=tuple(level for level in ACCESS_LEVELS if level in levels),
        everything=any(
            clause.prefix is None
            and set(clause.levels) == set(ACCESS_LEVELS)
            and clause.marks >= set(profile.access_marks)
            for clause in clauses
        ),
        excluded_marks=excluded,
        clauses=clauses,
        record_ids=tuple(sorted(_union(grant.record_ids for grant, _ in _by_grant(actor, permission, profile)))),
        case_file_ids=tuple(sorted(_union(grant.case_file_ids for grant, _ in _by_grant(actor, permission, profile)))),
    )


def _union(groups: Iterable[Iterable[str]]) -> frozenset[str]:
    return frozenset(one for group in groups for one in group)
