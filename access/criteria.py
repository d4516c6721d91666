"""What somebody reaches, as criteria of a query: on records, on case files, on households."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlalchemy import ColumnElement, and_, exists, false, literal, or_, select, true
from sqlalchemy.orm import InstrumentedAttribute

from access.actors import Actor, GrantHeld
from access.reach import Reach, kept, reaches
from access.scope import marks_within, placed_in, within_any, within_divisions
from metadata.profile import Profile
from metadata.rights import Permission
from repository.tables import CaseFile, GrantSubject, Household, Record, RequestSubject


def visible_records(
    actor: Actor, profile: Profile, permission: Permission = Permission.RECORD_READ
) -> ColumnElement[bool]:
    """The criterion on ``Record`` for what ``actor`` may see with ``permission``."""
    return kept(actor, ("records", permission), profile, lambda: _visible_records(reaches(actor, permission, profile)))


def _visible_records(found: Sequence[Reach]) -> ColumnElement[bool]:
    """Reaches that differ only in where are asked for together: level and marks are looked at once a row."""
    alike: dict[tuple[tuple[str, ...], frozenset[str]], list[Reach]] = {}
    for one in found:
        alike.setdefault((one.levels, one.marks), []).append(one)
    reached = [
        and_(
            _reached(some, Record.id, "record", Record.division_code, Record.organ_id),
            Record.access_level.in_([literal(one) for one in levels]),  # a list of values would be spelt out each time
            marks_within(Record.access_marks, marks),
        )
        for (levels, marks), some in alike.items()
    ]
    return and_(Record.state == "active", or_(*reached)) if reached else false()


def visible_cases(actor: Actor, profile: Profile, permission: Permission = Permission.CASE_READ) -> ColumnElement[bool]:
    """The criterion on ``CaseFile`` for what ``actor`` may see."""

    def criterion() -> ColumnElement[bool]:
        found = reaches(actor, permission, profile)
        return _reached(found, CaseFile.id, "case_file", CaseFile.division_code, CaseFile.organ_id)

    return kept(actor, ("cases", permission), profile, criterion)


def all_lies_in(
    table: type[Record] | type[CaseFile], actor: Actor, profile: Profile, permission: Permission
) -> ColumnElement[bool]:
    """Where all that ``actor`` may see lies, if that is one township or village; else it says nothing.

    It narrows nothing that the criteria above let through: a list read by ``seq`` that has no other index to go by finds
    its rows by it.
    """

    def criterion() -> ColumnElement[bool]:
        found = reaches(actor, permission, profile)
        prefixes = {one.prefix for one in found if one.prefix != ""}
        if len(prefixes) != 1 or None in prefixes or any(one.grant is not None for one in found):
            return true()
        return placed_in(table, str(prefixes.pop()))

    return kept(actor, (f"{table.__tablename__} lies in", permission), profile, criterion)


def _reached(
    found: Sequence[Reach],
    subject: InstrumentedAttribute[str],
    kind: str,
    division: InstrumentedAttribute[str],
    organ: InstrumentedAttribute[str],
) -> ColumnElement[bool]:
    widest = _widest(found)
    criteria: list[ColumnElement[bool]] = [true()] if None in widest else []
    if widest and not criteria:
        criteria.append(within_any(division, (one for one in widest if one is not None)))
    criteria += [
        and_(_within(one.prefix, division), organ == one.because.organ_id)
        for one in found
        if one.own and one.grant is None and one.prefix != ""
    ]
    grants = {one.grant.id: one.grant for one in found if one.grant is not None}
    if grants:
        criteria.append(_named_in(subject, kind, grants.values()))
    return or_(*criteria) if criteria else false()


def _widest(found: Iterable[Reach]) -> list[str | None]:
    """Divisions reached as a whole, without those that lie in others."""
    prefixes = {one.prefix for one in found if not one.own and one.grant is None and one.prefix != ""}
    if None in prefixes:
        return [None]
    known = sorted(one for one in prefixes if one is not None)
    return [one for one in known if not any(one != other and one.startswith(other) for other in known)]


def _within(prefix: str | None, division: InstrumentedAttribute[str]) -> ColumnElement[bool]:
    return true() if prefix is None else within_divisions(division, prefix)


def _named_in(column: InstrumentedAttribute[str], kind: str, grants: Iterable[GrantHeld]) -> ColumnElement[bool]:
    """Whether ``column`` is named by one of the grants, or by a request that waits for the person's decision."""
    known = list(grants)
    ids = [one.id for one in known if not one.waiting]
    waiting = [one.id for one in known if one.waiting]
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
    where = {one.prefix for one in reaches(actor, Permission.DEPOSIT, profile) if one.grant is None}
    reached = [_within(prefix, Household.division_code) for prefix in where if prefix != ""]
    if organ_prefix:
        reached.append(within_divisions(Household.division_code, organ_prefix))
    seen = exists().where(CaseFile.household_id == Household.id, visible_cases(actor, profile))
    return or_(seen, *reached)
