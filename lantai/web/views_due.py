"""Read models of what is due: the list, totals by organ and rule for the years to come, and the list as a file."""

from __future__ import annotations

import tempfile
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from itertools import islice
from typing import IO, cast

from sqlalchemy.orm import Session

from access import gate, masking
from lantai import i18n, result_lists
from lantai.result_lists import Cell
from lantai.web import labels
from lantai.web.display import masked
from lantai.web.options import Options
from lantai.web.views_retention import HoldBadge, hold_badges, today_of
from lantai.web.visit import Visit
from metadata.errors import Invalid
from metadata.profile.models import STATUS_WORDS
from metadata.rights import Permission
from retention import due, holds, totals
from retention.assignment import NO_RULE
from retention.due import DueFilter, ListedRecord, Total
from retention.explanation import UNVERIFIED

YEARS = 10
"""Years ahead that the totals show, the present one among them."""

_IN_MEMORY = 1 << 20
_READ = 1 << 16
_PART = 500
"""Records whose household files are asked for at a time."""
_FILES_NAMED = 5
"""Household files of one record that a line of the list names."""


@dataclass(frozen=True, slots=True)
class DueLine:
    """A record that is due, as a line of the list; ``unverified``: its rule's text was not confirmed."""

    seq: int
    record_id: str
    title: str
    type_name: str
    organ: str
    rule_id: str
    rule: str
    status: str
    unverified: bool
    due_on: str
    overdue: bool
    holds: tuple[HoldBadge, ...]
    cases: tuple[tuple[str, str], ...] = ()
    """Household files in the person's reach that the record stands in: id and title."""

    @property
    def place(self) -> str:
        """Where the next page goes on: day and number."""
        return f"{self.due_on}.{self.seq}"


@dataclass(frozen=True, slots=True)
class TotalsRow:
    """A row of the totals: an organ, or a rule of the chosen organ; ``cells``: overdue, then each year, (count, href)."""

    name: str
    href: str
    note: str
    unverified: bool
    cells: tuple[tuple[int, str], ...]
    later: int
    waiting: int
    permanent: int


@dataclass(frozen=True, slots=True)
class TotalsTable:
    """Totals for the next years; ``sums`` as the cells of a row; ``organ``: the chosen one's name."""

    organ: str
    years: tuple[int, ...]
    rows: tuple[TotalsRow, ...]
    sums: tuple[int, ...]
    without_rule: int


def organ_names(session: Session, visit: Visit) -> dict[str, str]:
    """Names of all organs by id."""
    return visit.site.organ_names.of(session, visit.language)


def refresh_when_small(visit: Visit) -> None:
    """A small holding is counted on the spot; a large one by a job (``retention.totals``)."""
    with visit.reading() as session:
        wanted = totals.due_for_counting(session, small_only=True)
    if wanted:
        with visit.writing() as session:
            totals.count(session, archive=visit.site.archive)


def filters_of(fields: Mapping[str, str]) -> DueFilter:
    """The filter that an address says: ``from``, ``until``, ``organ``, ``rule``, ``category``; ``Invalid`` for no day."""
    return DueFilter(
        since=_day(fields.get("from", "")),
        until=_day(fields.get("until", "")),
        organ_id=fields.get("organ", "")[:36],
        rule_id=fields.get("rule", "")[:40],
        category=fields.get("category", "")[:8],
    )


def _day(text: str) -> date | None:
    if not text.strip():
        return None
    try:
        return date.fromisoformat(text.strip())
    except ValueError:
        raise Invalid(
            "date.malformed",
            zh="日期看不懂；请写成 2030-12-31 的样子。",
            en="This is no date; write it as 2030-12-31.",
        ) from None


def place_of(text: str) -> tuple[date, int] | None:
    """Where a page goes on, as ``DueLine.place`` wrote it; nothing when it makes no sense."""
    day, _, seq = text.partition(".")
    if not (seq.isascii() and seq.isdigit() and len(seq) < 19):
        return None
    try:
        return date.fromisoformat(day), int(seq)
    except ValueError:
        return None


def lines(
    session: Session,
    visit: Visit,
    filters: DueFilter,
    names: Mapping[str, str],
    *,
    after: tuple[date, int] | None = None,
    limit: int,
) -> list[DueLine]:
    """A page of the due list; ``names`` of organs by id."""
    profile = visit.site.archive.profile
    found = due.due_list(session, visit.person, profile=profile, filters=filters, after=after, limit=limit)
    over = holds.shown(session, visit.person, profile, [one.record_id for one in found])
    today = today_of(visit).isoformat()
    stands = gate.cases_of(session, visit.person, profile, [one.record_id for one in found])
    files = {case.id: case for cases in stands.values() for case in cases}
    titles = masking.case_titles(session, visit.person, files.values(), profile)
    made = []
    for one in found:
        badges = hold_badges(visit, over.get(one.record_id, []))
        made.append(
            replace(
                _line(visit, one, names, today, badges),
                cases=tuple((case.id, titles[case.id]) for case in stands.get(one.record_id, ())),
            )
        )
    return made


def _line(
    visit: Visit, one: ListedRecord, names: Mapping[str, str], today: str, badges: tuple[HoldBadge, ...] = ()
) -> DueLine:
    english = visit.language == "en"
    kind = visit.site.archive.profile.document_types.get(one.document_type or "")
    status = STATUS_WORDS.get(one.status, ("", ""))
    return DueLine(
        seq=one.seq,
        record_id=one.record_id,
        title=masked(one.title),
        type_name=labels.term(visit.language, kind) if kind else (one.document_type or "–"),
        organ=names.get(one.organ_id, ""),
        rule_id=one.rule_id,
        rule=one.rule_en if english else one.rule_zh,
        status=status[1 if english else 0],
        unverified=one.status in UNVERIFIED,
        due_on=one.due_on or "",
        overdue=bool(one.due_on) and one.due_on <= today if one.due_on else False,
        holds=badges,
    )


def choices(session: Session, visit: Visit, names: Mapping[str, str]) -> dict[str, Options]:
    """What the filters of the list offer: organs that have something due in the person's reach, rules, categories."""
    profile = visit.site.archive.profile
    present = visit.site.reckoned.organs(session, visit.person, profile=profile)
    rules = [(one.id, f"{one.id} {labels.term(visit.language, one)}") for one in profile.retention_rules]
    categories = [
        (one.code, f"{one.code} {labels.term(visit.language, one)}") for one in profile.classification.values()
    ]
    return {
        "organs": [("", [(organ_id, name) for organ_id, name in names.items() if organ_id in present])],
        "rules": [("", rules)],
        "categories": [("", categories)],
    }


def table_of(session: Session, visit: Visit, organ_id: str = "") -> TotalsTable:
    """Totals by organ; of one organ (``organ_id``) by rule."""
    profile, this_year = visit.site.archive.profile, today_of(visit).year
    years = tuple(range(this_year, this_year + YEARS))
    ends = (years[0], years[-1])
    found: Sequence[Total] = (
        due.totals(session, visit.person, profile=profile, organ_id=organ_id, folded=ends)
        if organ_id
        else visit.site.reckoned.by_organ(session, visit.person, profile=profile, folded=ends)
    )
    groups: dict[str, list[Total]] = defaultdict(list)
    for one in found:
        groups[one.rule_id if organ_id else one.organ_id].append(one)
    names = organ_names(session, visit)
    order = list(profile.rules_by_id) if organ_id else list(names)
    rows = [_row(visit, key, groups[key], years, names, organ_id) for key in order if key in groups]
    rows += [_row(visit, key, groups[key], years, names, organ_id) for key in groups if key not in order]
    columns = zip(*([count for count, _ in row.cells] for row in rows), strict=True)
    sums = [sum(column) for column in columns] or [0] * (YEARS + 1)
    last = (sum(row.later for row in rows), sum(row.waiting for row in rows), sum(row.permanent for row in rows))
    without = sum(one.records for one in found if one.rule_id == NO_RULE)
    return TotalsTable(names.get(organ_id, ""), years, tuple(rows), (*sums, *last), without)


def _row(
    visit: Visit, key: str, found: list[Total], years: tuple[int, ...], names: Mapping[str, str], organ_id: str
) -> TotalsRow:
    rule = visit.site.archive.profile.rules_by_id.get(key) if organ_id else None
    by_year: dict[int, int] = defaultdict(int)
    ends = {"waiting": 0, "permanent": 0}
    for one in found:
        if one.year is not None:
            by_year[one.year] += one.records
        else:
            ends[one.outcome] = ends.get(one.outcome, 0) + one.records
    narrowed = f"organ={organ_id}&rule={key}" if organ_id else f"organ={key}"
    first = years[0]
    cells = [(sum(count for year, count in by_year.items() if year < first), f"until={first - 1}-12-31&{narrowed}")]
    cells += [(by_year.get(year, 0), f"from={year}-01-01&until={year}-12-31&{narrowed}") for year in years]
    _ = i18n.translations(visit.language).gettext
    return TotalsRow(
        name=(f"{rule.id} {labels.term(visit.language, rule)}" if rule else _("no rule yet"))
        if organ_id
        else names.get(key, key),
        href=f"/retention/due?{narrowed}" if organ_id else f"/retention?organ={key}",
        note=rule.provenance.status_words(visit.language) if rule else "",
        unverified=bool(rule and rule.provenance.status in UNVERIFIED),
        cells=tuple((count, f"/retention/due?{fields}") for count, fields in cells),
        later=sum(count for year, count in by_year.items() if year > years[-1]),
        waiting=ends["waiting"],
        permanent=ends["permanent"],
    )


class DueTable:
    """The due list as a file; every text passes ``result_lists`` and never becomes a formula."""

    def __init__(self, session: Session, visit: Visit, filters: DueFilter) -> None:
        self._found = due.all_due(
            session, visit.person, profile=visit.site.archive.profile, filters=filters, most=result_lists.MOST
        )
        self._names = organ_names(session, visit)
        self._visit = visit
        self._session = session

    def lines(self) -> Iterator[list[Cell]]:
        """Headings, then a line a record."""
        _ = i18n.translations(self._visit.language).gettext
        yield [
            _("Due"),
            _("Title"),
            _("Document type"),
            _("Household number"),
            _("Archival code"),
            _("Organ"),
            _("Rule"),
            _("Based on"),
            _("Status"),
            _("Number"),
        ]
        today = today_of(self._visit).isoformat()
        while part := list(islice(self._found, _PART)):
            stands = _numbers(self._session, self._visit, [one.record_id for one in part])
            for one in part:
                made = _line(self._visit, one, self._names, today)
                rule = self._visit.site.archive.profile.rules_by_id.get(one.rule_id)
                citation = rule.provenance.citation if rule else ""
                households, codes = stands.get(one.record_id, ("", ""))
                yield [
                    made.due_on,
                    made.title,
                    made.type_name,
                    households,
                    codes,
                    made.organ,
                    made.rule,
                    citation,
                    made.status,
                    made.record_id,
                ]


def _numbers(session: Session, visit: Visit, record_ids: Sequence[str]) -> dict[str, tuple[str, str]]:
    """Household numbers and archival codes of the household files that records stand in, in the person's reach.

    Of a record in more than a few only their count is told, as a cell holds no register of a whole village.
    """
    catalogue = i18n.translations(visit.language)
    told = gate.file_numbers(session, visit.person, visit.site.archive.profile, record_ids)
    found = {}
    for record_id, standing in told.items():
        files = [(number, code) for _, number, code, seen in standing if seen]
        if len(files) > _FILES_NAMED:
            count = catalogue.ngettext("%(num)d household", "%(num)d households", len(files)) % {"num": len(files)}
            found[record_id] = (count, "")
        else:
            numbers = dict.fromkeys(number for number, _ in files)
            found[record_id] = ("; ".join(numbers), "; ".join(code for _, code in files if code))
    return found


def taken_out(visit: Visit, filters: DueFilter, kind: str) -> Iterator[bytes]:
    """The due list as ``csv`` or ``xlsx``, at most 100,000 rows; entered in the use register with their number first."""
    visit.require(Permission.RETENTION_READ)
    out = tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115  closed when it was sent
    with visit.reading() as session:
        table = _Counted(DueTable(session, visit, filters))
        if kind == "csv":
            for piece in result_lists.csv_chunks(table):
                out.write(piece)
        else:
            result_lists.write_xlsx(table, cast("IO[bytes]", out))
    with visit.writing() as session:
        visit.looked(session, "list.exported", form="export", count=table.rows)
    return _sent(cast("IO[bytes]", out))


class _Counted:
    """Counts the rows that a file takes."""

    def __init__(self, table: DueTable) -> None:
        self._table = table
        self.rows = 0

    def lines(self) -> Iterator[list[Cell]]:
        """The table's lines."""
        for number, line in enumerate(self._table.lines()):
            self.rows = number
            yield line


def _sent(out: IO[bytes]) -> Iterator[bytes]:
    with out:
        out.seek(0)
        while piece := out.read(_READ):
            yield piece
