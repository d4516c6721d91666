"""Search as people and programs use it: one box, permission inside, every page checked by the gate and registered.

The index proposes, the gate decides: each page of hits is read again from the catalogue under the gate's own criterion,
and what it refuses (an entry not yet brought up to date) is neither shown nor counted. Personal numbers in titles and
snippets are masked; who may unmask asks for it by name, and only who may unmask can look for one.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import islice
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from access.accounts import Actor
from access.gate import records_by_id, require, visible_cases
from access.masking import case_titles, masked, names_shown
from access.use_register import looked
from metadata.errors import Forbidden, Invalid
from metadata.rights import Permission
from repository.archive import Archive
from repository.tables import CaseFile, CaseRecord, Household, Organ, Record
from search.engines.base import FACETS, HOUSEHOLD, KINDS, RECORD, SORTS, Counts, Engine, Hit, PermissionFilter, Sort
from search.permission import may_ask_numbers, permission_filter
from search.query import Between, Names, Query, parse
from search.query.model import all_of
from search.showing import Shown
from search.suggestions import suggestions

__all__ = [
    "ALWAYS",
    "COLUMNS",
    "FACETS",
    "HOUSEHOLD",
    "KINDS",
    "MOST",
    "RECORD",
    "SORTS",
    "Counts",
    "Engine",
    "Exported",
    "Filters",
    "Period",
    "SearchPage",
    "Sort",
    "export",
    "search",
]

MOST = 1000
"""Hits a page may have at most."""

Filters = Mapping[str, Sequence[str]]
"""Attribute (one of ``engines.base.FACETS``) -> values, one of which a hit must have."""

Period = tuple[date | None, date | None]
"""First and last day of documents, both included; ``None`` is open. Undated ones are in no period."""

ALWAYS: Period = (None, None)

_ROUNDS = 8
_FIELD = re.compile("[:：﹕]")  # without a field nobody asks for the names of organs
_ORGANS = select(Organ.id, Organ.code, Organ.name_zh, Organ.name_en, Organ.division_prefix)
_EXPORT_BATCH = 500


@dataclass(frozen=True, slots=True)
class SearchPage:
    """One page of hits.

    ``total`` counts what the person may see. Each hit is a dict: ``kind`` (``record`` or ``household``), ``record_id``,
    ``case_file_id`` and ``household_no`` (of the first case file that the person may see), ``title``, ``path`` (name as
    deposited of the file that matched), ``file_id``, ``page`` (counted from 1), ``document_type``, ``programme``,
    ``year``, ``date``, ``organ_id``, ``division_code``, ``access_level``, ``snippet`` with ``highlights``
    (``[[begin, end], …]`` in it), ``title_highlights``, ``score``, and ``why``: dicts with ``at`` (``text`` with
    ``file_id`` and ``page``, ``title``, ``file_name`` with ``file_id``, ``note``, ``name`` or ``pinyin`` with ``name``,
    ``household``, ``code``, ``number``, ``description``). ``next`` is the cursor of the following page. ``facets``:
    attribute -> values with their counts, when asked for. ``suggestions``: what may have been meant, when nothing was
    found.
    """

    total: int
    hits: list[dict[str, Any]]
    next: str | None
    facets: Mapping[str, Counts] = field(default_factory=dict)
    suggestions: list[str] = field(default_factory=list)


def search(
    archive: Archive,
    engine: Engine,
    actor: Actor,
    text: str,
    *,
    limit: int = 20,
    after: str | None = None,
    sort: Sort = "relevance",
    filters: Filters | None = None,
    period: Period = ALWAYS,
    facets: bool = False,
    kinds: Collection[str] = (RECORD,),
    reason: str,
    form: str = "screen",
    call_id: str | None = None,
    unmask: bool = False,
) -> SearchPage:
    """Find records and case files by what a person typed; the search is in the use register before its result is given.

    ``kinds``: which entries are looked among (``engines.base.KINDS``). ``unmask`` shows personal numbers in clear where
    the person's role permits it. Raises ``Forbidden`` without the permission to search, or to search by personal
    numbers; ``Invalid`` with a hint for a query, filter or cursor that cannot be meant; ``Unavailable`` when the index
    does not answer.
    """
    require(actor, Permission.SEARCH, archive.profile)
    narrowed = _checked(sort, filters or {}, kinds)
    limit = max(1, min(limit, MOST))
    engine.refresh()
    with archive.reading() as session:
        query, names, permission = _parsed(session, archive, actor, text, period, kinds)
        gate = _Gate(session, archive, actor, permission)
        asked = _Asked(query, sort, narrowed)
        found, total, following, counts = gate.page(engine, asked, limit, after, FACETS if facets else ())
        hits = Shown(session, archive, actor, query, unmask=unmask).hits(found)
    offered: list[str] = []
    # the words offered are names above all: not for who is shown them masked
    if not total and not narrowed and period == ALWAYS and after is None and names_shown(actor, None, archive.profile):
        offered = suggestions(engine, text, query, gate.permission, blind=archive.keys.blind, names=names)
    _register(archive, actor, reason=reason, form=form, call_id=call_id, count=len(hits) if form == "api" else None)
    return SearchPage(total, hits, following, counts, offered)


@dataclass(frozen=True, slots=True)
class Exported:
    """A result list on its way out: how many hits there are, how many of them ``rows`` gives, and those."""

    total: int
    count: int
    rows: Iterator[dict[str, Any]]


def export(
    archive: Archive,
    engine: Engine,
    actor: Actor,
    text: str,
    *,
    sort: Sort = "newest",
    filters: Filters | None = None,
    period: Period = ALWAYS,
    kinds: Collection[str] = (RECORD,),
    most: int | None = None,
    reason: str,
    form: str = "export",
    call_id: str | None = None,
) -> Exported:
    """The result list, at most ``most`` rows of it, under the gate; one entry in the use register, with the count.

    Rows are flat dicts of text and numbers (``COLUMNS``); personal numbers stay masked. Errors as ``search``, raised
    before the first row. The engine stays open until the last row is taken.
    """
    require(actor, Permission.SEARCH, archive.profile)
    asked_filters = _checked(sort, filters or {}, kinds)
    engine.refresh()
    with archive.reading() as session:
        query, _, permission = _parsed(session, archive, actor, text, period, kinds)
    asked = _Asked(query, sort, asked_filters)
    total = engine.search(query, permission, limit=0, filters=asked_filters).total
    count = total if most is None else min(total, most)
    _register(archive, actor, reason=reason, form=form, call_id=call_id, count=count)
    return Exported(total, count, islice(_rows(archive, engine, actor, permission, asked), count))


COLUMNS = (
    "kind", "id", "title", "household_no", "document_type", "programme", "year", "date", "organ", "division_code",
    "access_level",
)  # fmt: skip
"""Columns of an exported row, in order."""


def _rows(
    archive: Archive, engine: Engine, actor: Actor, permission: PermissionFilter, asked: _Asked
) -> Iterator[dict[str, Any]]:
    after: str | None = None
    while True:
        with archive.reading() as session:
            gate = _Gate(session, archive, actor, permission)
            found, _, after, _ = gate.page(engine, asked, _EXPORT_BATCH, after, ())
            known = select(Organ.id, Organ.name_zh).where(Organ.id.in_({one.organ_id for one, _ in found}))
            organs = dict(session.execute(known).tuples().all())
            households = _household_numbers(session, archive, actor, found)
            cases = [one for one, _ in found if isinstance(one, CaseFile)]
            titles = case_titles(session, actor, cases, archive.profile)
            rows = [_row(one, households.get(one.id), organs.get(one.organ_id, ""), titles) for one, _ in found]
        yield from rows
        if after is None:
            return


def _row(one: Record | CaseFile, household_no: str | None, organ: str, titles: Mapping[str, str]) -> dict[str, Any]:
    dated = one.dated if isinstance(one, Record) else one.opened_on
    record = one if isinstance(one, Record) else None
    return {
        "kind": RECORD if record else HOUSEHOLD,
        "id": one.id,
        "title": titles.get(one.id) or masked(one.title),
        "household_no": household_no,
        "document_type": record.document_type if record else None,
        "programme": one.programme,
        "year": record.year if record else (dated.year if dated else None),
        "date": dated.isoformat() if dated else None,
        "organ": organ,
        "division_code": one.division_code,
        "access_level": record.access_level if record else None,
    }


def _household_numbers(
    session: Session, archive: Archive, actor: Actor, found: Sequence[tuple[Record | CaseFile, Hit]]
) -> dict[str, str]:
    """Household numbers of case files, and of the first visible case file of records."""
    records = [one.id for one, _ in found if isinstance(one, Record)]
    cases = [one.id for one, _ in found if isinstance(one, CaseFile)]
    visible = visible_cases(actor, archive.profile)
    of_records = (
        select(CaseRecord.record_id, Household.household_no)
        .join(CaseFile, CaseFile.id == CaseRecord.case_file_id)
        .join(Household, Household.id == CaseFile.household_id)
        .where(CaseRecord.record_id.in_(records), visible)
        .order_by(CaseFile.seq.desc())
    )
    of_cases = (
        select(CaseFile.id, Household.household_no)
        .join(Household, Household.id == CaseFile.household_id)
        .where(CaseFile.id.in_(cases), visible)
    )
    return {one: number for wanted in (of_records, of_cases) for one, number in session.execute(wanted).tuples()}


def _checked(sort: Sort, filters: Filters, kinds: Collection[str]) -> dict[str, tuple[str, ...]]:
    """Filters that say something; ``Invalid`` for an order, attribute or kind that there is not."""
    if sort not in SORTS or not set(filters) <= set(FACETS) or not set(kinds) <= set(KINDS):
        raise Invalid(
            "search.bad_filter",
            zh=f"排序方式或筛选项无效。排序可用：{'、'.join(SORTS)}；筛选可用：{'、'.join(FACETS)}。",
            en=f"There is no such order or filter. Orders: {', '.join(SORTS)}; filters: {', '.join(FACETS)}.",
        )
    return {name: tuple(dict.fromkeys(values)) for name, values in filters.items() if values}


def _parsed(
    session: Session, archive: Archive, actor: Actor, text: str, period: Period, kinds: Collection[str]
) -> tuple[Query, Names, PermissionFilter]:
    """The query, the names known to it, and where it may look: a personal number only where she sees numbers."""
    profile = archive.profile
    organs = session.execute(_ORGANS) if _FIELD.search(text) else ()
    names = Names.of(profile, organs)
    permission = permission_filter(actor, profile, kinds)
    numbers = permission_filter(actor, profile, kinds, numbers=True)
    personal = may_ask_numbers(actor, profile)
    try:
        query = parse(text, archive.keys.blind, names, personal=personal and numbers == permission)
    except Forbidden:
        if not personal:
            raise
        query, permission = parse(text, archive.keys.blind, names), numbers
    if period == ALWAYS:
        return query, names, permission
    first, last = (None if one is None else one.toordinal() for one in period)
    within = Between("day", first, last)
    return Query(within if query.root is None else all_of([query.root, within])), names, permission


def _register(
    archive: Archive, actor: Actor, *, reason: str, form: str, call_id: str | None, count: int | None = None
) -> None:
    with archive.sessions.begin() as session:
        looked(
            session,
            archive=archive,
            actor=actor,
            act="search.performed",
            reason=reason,
            form=form,
            call_id=call_id,
            count=count,
        )


@dataclass(frozen=True, slots=True)
class _Asked:
    """A query with its order and filters."""

    query: Query
    sort: Sort
    filters: Filters


@dataclass(frozen=True, slots=True)
class _Gate:
    """The engine's hits as the gate lets this actor have them."""

    session: Session
    archive: Archive
    actor: Actor
    permission: PermissionFilter

    def page(
        self, engine: Engine, asked: _Asked, limit: int, after: str | None, facets: Sequence[str]
    ) -> tuple[list[tuple[Record | CaseFile, Hit]], int, str | None, Mapping[str, Counts]]:
        """Hits that pass, filled up to ``limit`` while there are more; the total without those refused; the cursor;
        the counts, which know only the index's own permission."""
        found: list[tuple[Record | CaseFile, Hit]] = []
        counts: Mapping[str, Counts] = {}
        refused = 0
        for number in range(_ROUNDS):
            hits = engine.search(
                asked.query,
                self.permission,
                limit=limit - len(found),
                after=after,
                sort=asked.sort,
                filters=asked.filters,
                facets=facets if number == 0 else (),
            )
            counts = hits.facets if number == 0 else counts
            visible = self._visible(hits.hits)
            found += [(visible[hit.id], hit) for hit in hits.hits if hit.id in visible]
            refused += len(hits.hits) - len(visible)
            after = hits.next
            if after is None or len(found) >= limit:
                break
        return found, max(hits.total - refused, len(found)), after, counts

    def _visible(self, hits: Sequence[Hit]) -> dict[str, Record | CaseFile]:
        records = [hit.id for hit in hits if hit.kind == RECORD]
        cases = [hit.id for hit in hits if hit.kind == HOUSEHOLD]
        found: dict[str, Record | CaseFile] = {}
        found.update(records_by_id(self.session, self.actor, records, self.archive.profile))
        if cases:
            criterion = visible_cases(self.actor, self.archive.profile)
            wanted = select(CaseFile).where(CaseFile.id.in_(cases), criterion)
            found.update({case.id: case for case in self.session.scalars(wanted)})
        return found
