"""The figures that Today and Preservation draw: holdings, growth, findings, re-reading; each with its table.

What is counted is what the person may list (``access.figures``); site totals are for those who see the site's state.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from access import figures
from access.figures import HoldingCount
from ingest.findings import KINDS
from lantai import i18n
from lantai.web import charts, display, labels
from lantai.web.charts import Figure, Point
from lantai.web.visit import Visit
from metadata.rights import Permission
from repository.clock import local_date
from repository.tables import AuditRun

PERIODS = (12, 36, 0)
"""Months that a chart over time may show; 0: all years."""

_WEEKS = 13
_PLACE = re.compile(r"[“\"]?\{\w+\}[”\"]?")


def may_see(visit: Visit) -> bool:
    """Whether charts are for this person."""
    return visit.may(Permission.STATISTICS_READ) or visit.may(Permission.STATUS_READ)


def drawn(session: Session, visit: Visit, months: int) -> list[Figure]:
    """Holdings by programme, growth over ``months``, findings by kind; only what there is something to say of."""
    if not may_see(visit):
        return []
    profile = visit.site.archive.profile
    counts = figures.holdings(session, visit.person, profile, visit.request.app.state.figures)
    if not counts:
        return []
    return [_holdings(visit, counts), _growth(visit, counts, months), *_findings(session, visit)]


def _holdings(visit: Visit, counts: Sequence[HoldingCount]) -> Figure:
    _ = i18n.translations(visit.language).gettext
    profile = visit.site.archive.profile
    sums: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0])
    for one in counts:
        for place, value in enumerate((one.records, one.files, one.payload_bytes)):
            sums[one.programme][place] += value
    found = sorted(sums.items(), key=lambda one: -one[1][0])
    names = {
        code: labels.term(visit.language, profile.programmes[code])
        if code in profile.programmes
        else (code or _("Of no programme"))
        for code in sums
    }
    points = [Point(names[code], values[0], display.number(values[0])) for code, values in found]
    total = [sum(values[place] for values in sums.values()) for place in range(3)]
    described = _("%(records)s records, %(files)s files, %(size)s") % {
        "records": display.number(total[0]),
        "files": display.number(total[1]),
        "size": display.size(total[2]),
    }
    title = _("Holdings by programme")
    rows = [(names[code], *map(display.number, values[:2]), display.size(values[2])) for code, values in found]
    rows.append((_("Together"), *map(display.number, total[:2]), display.size(total[2])))
    return Figure(
        "holdings",
        title,
        (_("Programme"), _("Records"), _("Files"), _("Size")),
        rows,
        charts.bars("holdings", title, described, points),
        notes=(described,),
    )


def _growth(visit: Visit, counts: Sequence[HoldingCount], months: int) -> Figure:
    _ = i18n.translations(visit.language).gettext
    archive = visit.site.archive
    today = local_date(archive.clock.now(), archive.zone)
    spans = _months(today, months) if months else _years(today, counts)
    added: dict[str, list[int]] = {name: [0, 0, 0] for name, _tick in spans}
    before = 0
    for one in counts:
        span = f"{one.year:04d}-{one.month:02d}" if months else f"{one.year:04d}"
        if span not in added:
            before += one.records
            continue
        for place, value in enumerate((one.records, one.files, one.payload_bytes)):
            added[span][place] += value
    points = [
        Point(name, added[name][0], display.number(added[name][0]), tick=tick, under=_begins(name, place))
        for place, (name, tick) in enumerate(spans)
    ]
    rows, kept = [], before
    for name, _tick in spans:
        kept += added[name][0]
        values = added[name]
        rows.append((name, *map(display.number, values[:2]), display.size(values[2]), display.number(kept)))
    most = charts.ceiling(max(one.value for one in points))
    title = _("Records taken in, by month") if months else _("Records taken in, by year")
    described = _("%(records)s records in this period") % {
        "records": display.number(sum(values[0] for values in added.values()))
    }
    return Figure(
        "growth",
        title,
        (_("Month") if months else _("Year"), _("Records"), _("Files"), _("Size"), _("Records kept by then")),
        rows[::-1],
        charts.columns("growth", title, described, points, top=display.number(int(most))),
        notes=(described,),
    )


def _months(today: date, count: int) -> list[tuple[str, str]]:
    """Names of the last ``count`` months with what stands on the axis."""
    found = []
    for back in range(count - 1, -1, -1):
        number = today.year * 12 + today.month - 1 - back
        year, month = divmod(number, 12)
        name = f"{year:04d}-{month + 1:02d}"
        found.append((name, f"{month + 1:02d}"))
    return found


def _begins(name: str, place: int) -> str:
    """The year, where a chart by months begins or a year does (not close behind another)."""
    year, _, month = name.partition("-")
    return year if month == "01" or (month and place == 0 and month < "11") else ""


def _years(today: date, counts: Iterable[HoldingCount]) -> list[tuple[str, str]]:
    first = min((one.year for one in counts), default=today.year)
    return [(f"{year:04d}", f"{year:04d}") for year in range(first, today.year + 1)]


def _findings(session: Session, visit: Visit) -> list[Figure]:
    _ = i18n.translations(visit.language).gettext
    found = figures.findings(session, visit.person, visit.site.archive.profile, known=visit.request.app.state.figures)
    if not found:
        return []
    catalogue = i18n.translations(visit.language)
    shapes = {"error": "bad", "warning": "look"}
    points = [
        Point(_kind(one.code, visit.language), one.findings, display.number(one.findings), shapes.get(one.severity, ""))
        for one in found
    ]
    title = _("What examinations find most often")
    rows = [
        (f"{point.name} ({one.code})", labels.label(catalogue, one.severity, "severity"), point.shown)
        for point, one in zip(points, found, strict=True)
    ]
    described = _("The %(count)s kinds of finding made most often in deposits") % {"count": len(found)}
    return [
        Figure(
            "findings",
            title,
            (_("Finding"), _("Weight"), _("Times")),
            rows,
            charts.bars("findings", title, described, points),
        )
    ]


def _kind(code: str, language: str) -> str:
    """A finding's sentence without what it speaks of in one case."""
    kind = KINDS.get(code)
    if kind is None:
        return code
    return _PLACE.sub("…", kind.en if language == "en" else kind.zh).lstrip("… ")


def re_read(session: Session, visit: Visit) -> Figure:
    """How much was re-read in each of the last weeks; weeks in which a fault was found deserve a look."""
    _ = i18n.translations(visit.language).gettext
    archive = visit.site.archive
    today = local_date(archive.clock.now(), archive.zone)
    monday = today - timedelta(days=today.weekday())
    weeks = [monday - timedelta(weeks=back) for back in range(_WEEKS - 1, -1, -1)]
    sums = {week: [0, 0, 0] for week in weeks}
    since = archive.clock.now() - timedelta(weeks=_WEEKS + 1)
    wanted = select(AuditRun).where(AuditRun.started_at >= since, AuditRun.kind != "inventory")
    for run in session.scalars(wanted):
        day = local_date(run.started_at, archive.zone)
        week = day - timedelta(days=day.weekday())
        if week in sums:
            faults = sum(count for code, count in run.outcomes.items() if code not in {"intact", "not_checked"})
            for place, value in enumerate((run.objects, run.bytes_read, faults)):
                sums[week][place] += value
    points = [
        Point(
            week.isoformat(), values[0], display.number(values[0]), "bad" if values[2] else "", week.strftime("%m-%d")
        )
        for week, values in sums.items()
    ]
    most = charts.ceiling(max(one.value for one in points))
    title = _("Copies re-read, by week")
    described = _("%(copies)s copies re-read in %(weeks)s weeks") % {
        "copies": display.number(sum(values[0] for values in sums.values())),
        "weeks": _WEEKS,
    }
    rows = [
        (week.isoformat(), display.number(values[0]), display.size(values[1]), display.number(values[2]))
        for week, values in sums.items()
    ]
    return Figure(
        "re-read",
        title,
        (_("Week of"), _("Copies"), _("Read"), _("Faults")),
        rows[::-1],
        charts.columns("re-read", title, described, points, top=display.number(int(most))),
        notes=(described,),
    )
