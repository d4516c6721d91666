"""Figures of the holdings, as far as somebody may list what they count.

Records that only a grant names are not counted: figures speak of divisions, grants of single files.
"""

from __future__ import annotations

from collections.abc import MutableMapping
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import ColumnElement, and_, extract, func, or_, select, true
from sqlalchemy.orm import Session

from access.actors import Actor
from access.gate import PermissionClause, allowed, permission_terms
from access.scope import marks_within, within_divisions
from metadata.profile import Profile
from metadata.rights import ACCESS_LEVELS, Permission
from repository import totals
from repository.tables import Finding, FindingTotal, HoldingTotal, Organ, Record, RecordVersion, Submission

Known = MutableMapping[tuple[Any, ...], list[Any]]
"""What was added up before, by scope and by how far the totals were counted; whoever keeps it may throw it away."""

_MOST_KNOWN = 500


@dataclass(frozen=True, slots=True)
class HoldingCount:
    """What came into the holdings in one month for one programme (empty: none)."""

    programme: str
    year: int
    month: int
    records: int
    files: int
    payload_bytes: int


@dataclass(frozen=True, slots=True)
class FindingCount:
    """How often examinations found ``code``."""

    code: str
    severity: str
    findings: int


def of_the_whole_site(actor: Actor, profile: Profile) -> bool:
    """Whether totals of the site are for this person: she sees its state and lists no records of her own."""
    return allowed(actor, Permission.STATUS_READ, profile) and not _listing(actor, profile)


def _listing(actor: Actor, profile: Profile) -> tuple[PermissionClause, ...]:
    """What the person's roles list; grants of single files are no part of it."""
    return permission_terms(actor, profile, Permission.RECORD_LIST).clauses


def _clauses(actor: Actor, profile: Profile) -> tuple[PermissionClause, ...]:
    """What is counted for the person: what her roles list; all in her divisions when statistics are all they give.

    A sum names no record, so level and marks, which guard what a record says, do not cut who reads statistics only.
    """
    listed = _listing(actor, profile)
    if listed:
        return listed
    marks = frozenset(profile.access_marks)
    given = permission_terms(actor, profile, Permission.STATISTICS_READ).clauses
    return tuple(replace(one, levels=ACCESS_LEVELS, marks=marks) for one in given)


def holdings(session: Session, actor: Actor, profile: Profile, known: Known | None = None) -> list[HoldingCount]:
    """Records, files and bytes by programme and month, in order of time; only what the person may list.

    ``known`` keeps what was added up for the same scope out of the same totals; another scope never meets it.
    """
    site = of_the_whole_site(actor, profile)
    if not site and not _clauses(actor, profile):
        return []
    if totals.newest(session)[0] < totals.AT_ONCE:
        return _holdings(session, _live_holdings(actor, profile, site=site))
    scope = () if site else _clauses(actor, profile)
    key = ("holdings", site, scope, totals.seen(session))
    if known is not None and key in known:
        return known[key]
    table = HoldingTotal
    keys = (table.programme, table.year, table.month)
    sums = (func.sum(table.records), func.sum(table.files), func.sum(table.payload_bytes))
    found = _holdings(session, (keys, sums, true() if site else _listed(session, actor, profile)))
    if known is not None:
        _keep(known, key, found)
    return found


def _live_holdings(actor: Actor, profile: Profile, *, site: bool) -> tuple[tuple[Any, ...], tuple[Any, ...], Any]:
    keys = (
        func.coalesce(Record.programme, ""),
        extract("year", Record.created_at),
        extract("month", Record.created_at),
    )
    sums = (func.count(), func.sum(RecordVersion.file_count), func.sum(RecordVersion.payload_bytes))
    listed = [
        and_(
            true() if one.prefix is None else within_divisions(Record.division_code, one.prefix),
            Record.access_level.in_(one.levels),
            marks_within(Record.access_marks, one.marks),
        )
        for one in _clauses(actor, profile)
    ]
    head = and_(RecordVersion.record_id == Record.id, RecordVersion.number == Record.head_version)
    return keys, sums, and_(head, Record.state == "active", true() if site else or_(*listed))


def _holdings(session: Session, asked: tuple[tuple[Any, ...], tuple[Any, ...], Any]) -> list[HoldingCount]:
    keys, sums, criterion = asked
    rows = session.execute(select(*keys, *sums).where(criterion).group_by(*keys).order_by(keys[1], keys[2], keys[0]))
    return [
        HoldingCount(programme, int(year), int(month), int(records), int(files), int(payload))
        for programme, year, month, records, files, payload in rows
    ]


def _listed(session: Session, actor: Actor, profile: Profile) -> ColumnElement[bool]:
    """The criterion on ``HoldingTotal`` for what the person may list."""
    known = list(session.scalars(select(HoldingTotal.marks).distinct()))
    clauses = []
    for one in _clauses(actor, profile):
        cleared = [marks for marks in known if set(filter(None, marks.split(","))) <= one.marks]
        inside = true() if one.prefix is None else within_divisions(HoldingTotal.division_code, one.prefix)
        clauses.append(and_(inside, HoldingTotal.access_level.in_(one.levels), HoldingTotal.marks.in_(cleared)))
    return or_(*clauses) if clauses else ~true()


def findings(
    session: Session, actor: Actor, profile: Profile, *, most: int = 8, known: Known | None = None
) -> list[FindingCount]:
    """What examinations found most often, in deposits of organs where the person accepts; of the site, see above.

    ``known`` as for ``holdings``; a change in which organs there are shows when the totals are counted anew.
    """
    site = of_the_whole_site(actor, profile)
    prefixes = [
        None if held.everywhere else held.division_prefix
        for held in actor.roles
        if (role := profile.roles.get(held.role)) is not None and Permission.ACCEPT in role.permissions
    ]
    if not site and (not prefixes or not allowed(actor, Permission.ACCEPT, profile)):
        return []
    live = totals.newest(session)[1] < totals.AT_ONCE
    key = ("findings", site, tuple(sorted(map(str, prefixes))), most, totals.seen(session))
    if not live and known is not None and key in known:
        return known[key]
    organ = Submission.organ_id if live else FindingTotal.organ_id
    inside = true() if site else organ.in_(select(Organ.id).where(or_(*map(_within, prefixes))))
    if live:
        count: Any = func.count()
        keys: tuple[Any, ...] = (Finding.code, Finding.severity)
        source = select(*keys, count).select_from(Finding).join(Submission, Submission.id == Finding.submission_id)
    else:
        count = func.sum(FindingTotal.findings)
        keys = (FindingTotal.code, FindingTotal.severity)
        source = select(*keys, count)
    wanted = source.where(inside).group_by(*keys).order_by(count.desc(), *keys).limit(most)
    found = [FindingCount(code, severity, int(number)) for code, severity, number in session.execute(wanted)]
    if not live and known is not None:
        _keep(known, key, found)
    return found


def _keep(known: Known, key: tuple[Any, ...], found: list[Any]) -> None:
    if len(known) >= _MOST_KNOWN:
        known.clear()
    known[key] = found


def _within(prefix: str | None) -> ColumnElement[bool]:
    if prefix is None:
        return true()
    return within_divisions(Organ.division_prefix, prefix) if prefix else ~true()
