"""What is due for appraisal: the list by day with its filters, what waits, and the totals by organ, rule and year.

All of it within the reach of the person's roles: a list names what she may list, totals count what her roles that read
retention reach, by division, access level and marks.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, and_, case, extract, false, func, or_, select, true
from sqlalchemy.orm import Session

from access.actors import Actor
from access.gate import permission_terms, require, visible_records
from access.scope import within_divisions
from metadata.profile import Profile
from metadata.rights import Permission
from repository.tables import Record, RetentionAssignment, RetentionTotal
from retention.assignment import NO_RULE
from retention.sentences import rule_label, waiting

_READ = 1000


@dataclass(frozen=True, slots=True)
class DueFilter:
    """Which records of the due list are meant; an empty field narrows nothing. Days are included."""

    since: date | None = None
    until: date | None = None
    organ_id: str = ""
    rule_id: str = ""
    category: str = ""

    def criteria(self) -> list[ColumnElement[bool]]:
        """As criteria on ``RetentionAssignment`` and ``Record``."""
        table = RetentionAssignment
        made: list[ColumnElement[bool]] = []
        if self.since is not None:
            made.append(table.due_on >= self.since)
        if self.until is not None:
            made.append(table.due_on <= self.until)
        if self.organ_id:
            made.append(table.organ_id == self.organ_id)
        if self.rule_id:
            made.append(table.rule_id == self.rule_id)
        if self.category:
            made.append(Record.category == self.category)
        return made


@dataclass(frozen=True, slots=True)
class ListedRecord:
    """A record in a list of assignments; ``seq`` and ``due_on`` are the key for the next page."""

    seq: int
    record_id: str
    title: str
    document_type: str | None
    outcome: str
    rule_id: str
    rule_zh: str
    rule_en: str
    due_on: str | None
    waiting_zh: str
    waiting_en: str
    organ_id: str = ""
    category: str = ""
    status: str = ""

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


def _listed(rows: Iterable[Row[Any]], profile: Profile) -> list[ListedRecord]:
    made = []
    for row in rows:
        rule = profile.rules_by_id.get(row.rule_id)
        waits = row.outcome == "waiting"
        made.append(
            ListedRecord(
                seq=row.seq,
                record_id=row.record_id,
                title=row.title,
                document_type=row.document_type,
                outcome=row.outcome,
                rule_id=row.rule_id,
                rule_zh=rule_label(profile, row.rule_id, zh=True),
                rule_en=rule_label(profile, row.rule_id, zh=False),
                due_on=row.due_on.isoformat() if row.due_on else None,
                waiting_zh=waiting(profile, row.detail.get("waiting_for"), zh=True) if waits else "",
                waiting_en=waiting(profile, row.detail.get("waiting_for"), zh=False) if waits else "",
                organ_id=row.organ_id,
                category=row.category,
                status=rule.provenance.status if rule else "",
            )
        )
    return made


def _wanted(actor: Actor, profile: Profile) -> Select[Any]:
    """Columns and no objects: fifty lines would make a hundred of them."""
    require(actor, Permission.RETENTION_READ, profile)
    table = RetentionAssignment
    return (
        select(
            *(table.seq, table.record_id, table.outcome, table.rule_id, table.due_on, table.detail),
            *(Record.title, Record.document_type, Record.organ_id, Record.category),
        )
        .join(Record, Record.id == RetentionAssignment.record_id)
        .where(RetentionAssignment.current, visible_records(actor, profile, Permission.RECORD_LIST))
    )


def due_list(
    session: Session,
    actor: Actor,
    *,
    before: date | None = None,
    profile: Profile,
    filters: DueFilter | None = None,
    after: tuple[date, int] | None = None,
    limit: int = 500,
) -> list[ListedRecord]:
    """Records due for appraisal on or before ``before`` that ``actor`` may see, by day; ``after`` = (day, seq) seen last.

    ``Forbidden`` without ``retention.read``.
    """
    table = RetentionAssignment
    wanted = _wanted(actor, profile).where(table.due_on.is_not(None), table.outcome == "due")
    if before is not None:
        wanted = wanted.where(table.due_on <= before)
    for criterion in filters.criteria() if filters is not None else ():
        wanted = wanted.where(criterion)
    if after is not None:
        day, seq = after
        # the first comparison alone lets the index begin at the day; the second leaves out what was seen
        wanted = wanted.where(table.due_on >= day, or_(table.due_on > day, table.seq > seq))
    return _listed(session.execute(wanted.order_by(table.due_on, table.seq).limit(limit)), profile)


def all_due(
    session: Session, actor: Actor, *, profile: Profile, filters: DueFilter, most: int
) -> Iterator[ListedRecord]:
    """The whole due list, page by page, at most ``most`` records: for a list that is taken out."""
    after: tuple[date, int] | None = None
    given = 0
    while given < most:
        part = due_list(session, actor, profile=profile, filters=filters, after=after, limit=min(_READ, most - given))
        yield from part
        given += len(part)
        if not part or part[-1].due_on is None:
            return
        after = date.fromisoformat(part[-1].due_on), part[-1].seq


def waiting_list(
    session: Session, actor: Actor, *, profile: Profile, after: int = 0, limit: int = 50
) -> list[ListedRecord]:
    """Records whose period has not started, that ``actor`` may see, by ``seq``; ``Forbidden`` as ``due_list``."""
    table = RetentionAssignment
    wanted = (
        _wanted(actor, profile).where(table.outcome == "waiting", table.seq > after).order_by(table.seq).limit(limit)
    )
    return _listed(session.execute(wanted), profile)


@dataclass(frozen=True, slots=True)
class Total:
    """How many records of an organ a rule makes due in a year; ``year`` is empty for waiting and permanent ones."""

    organ_id: str
    rule_id: str
    outcome: str
    year: int | None
    records: int


def live_totals() -> Select[Any]:
    """Organ, division, level, marks, rule, outcome, year, count over all assignments in force of active records."""
    table = RetentionAssignment
    year = extract("year", table.due_on)
    keys = (
        Record.organ_id,
        Record.division_code,
        Record.access_level,
        Record.access_marks,
        table.rule_id,
        table.outcome,
        year,
    )
    return (
        select(*keys, func.count())
        .select_from(table)
        .join(Record, Record.id == table.record_id)
        .where(table.current, Record.state == "active")
        .group_by(*keys)
    )


def totals(
    session: Session,
    actor: Actor,
    *,
    profile: Profile,
    first: int | None = None,
    last: int | None = None,
    organ_id: str = "",
    by_rule: bool = True,
    folded: tuple[int, int] | None = None,
) -> list[Total]:
    """Totals by organ, rule, outcome and year of due day, as they were counted last (``retention.totals``).

    ``first`` and ``last``: years; with them only what is due in between. ``organ_id``: of one organ. Without
    ``by_rule`` all rules of an organ together, but for records that no rule covers. ``folded``: years before the first
    of the two count as the year before it, years after the second as the year after it. ``Forbidden`` without
    ``retention.read``.
    """
    require(actor, Permission.RETENTION_READ, profile)
    table = RetentionTotal
    rule = table.rule_id if by_rule else case((table.rule_id == NO_RULE, NO_RULE), else_="")
    year: ColumnElement[int | None] = table.year.expression
    if folded is not None:
        year = case((table.year < folded[0], folded[0] - 1), (table.year > folded[1], folded[1] + 1), else_=table.year)
    keys = (table.organ_id, rule, table.outcome, year)
    wanted = select(*keys, func.sum(table.records)).where(_reached(session, actor, profile)).group_by(*keys)
    if organ_id:
        wanted = wanted.where(table.organ_id == organ_id)
    if first is not None:
        wanted = wanted.where(table.year >= first)
    if last is not None:
        wanted = wanted.where(table.year <= last)
    return [
        Total(organ_id, rule_id, outcome, None if year is None else int(year), int(count))
        for organ_id, rule_id, outcome, year, count in session.execute(wanted.order_by(*keys))
    ]


def organs_with_due(session: Session, actor: Actor, *, profile: Profile) -> set[str]:
    """Organs that have something due in the person's reach: what a filter offers."""
    require(actor, Permission.RETENTION_READ, profile)
    wanted = select(RetentionTotal.organ_id).where(RetentionTotal.outcome == "due", _reached(session, actor, profile))
    return set(session.scalars(wanted.distinct()))


def _reached(session: Session, actor: Actor, profile: Profile) -> ColumnElement[bool]:
    """The criterion on ``RetentionTotal`` for what roles that read retention reach."""
    known = list(session.scalars(select(RetentionTotal.marks).distinct()))
    clauses = []
    for one in permission_terms(actor, profile, Permission.RETENTION_READ).clauses:
        cleared = [marks for marks in known if set(filter(None, marks.split(","))) <= one.marks]
        inside = true() if one.prefix is None else within_divisions(RetentionTotal.division_code, one.prefix)
        clauses.append(and_(inside, RetentionTotal.access_level.in_(one.levels), RetentionTotal.marks.in_(cleared)))
    return or_(*clauses) if clauses else false()
