"""Charts are drawn on the server: to scale, escaped, without style, never without their numbers."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from xml.etree import ElementTree as ET

import pytest

from access import figures
from access.actors import actor_of
from lantai.site import Site
from lantai.web import charts
from lantai.web.charts import Day, Point
from repository import totals
from repository.clock import FixedClock, local_date
from repository.tables import Account, FindingTotal, HoldingTotal
from tests.unit.lantai_web.conftest import Browser, Papers

Visit = Callable[..., Browser]
HOSTILE = "<script>alert(1)</script>&\"'"
POINTS = [
    Point(f"2026-{month:02d}", value, str(value), tick=f"{month:02d}") for month, value in ((1, 0), (2, 5), (3, 10))
]


@pytest.mark.parametrize(
    ("value", "most"),
    [(0, 1), (-3, 1), (0.3, 0.5), (1, 1), (3, 5), (7, 10), (10, 10), (11, 20), (999, 1000), (12431, 20000)],
)
def test_a_scale_ends_at_a_round_number(value: float, most: float) -> None:
    assert charts.ceiling(value) == pytest.approx(most)


def test_columns_are_as_high_as_their_values() -> None:
    drawn = ET.fromstring(charts.columns("growth", "Growth", "Ten at most", POINTS, top="10"))
    bars = [one for one in drawn.iter("rect") if "chart__bar" in one.get("class", "")]
    heights = [float(one.get("height", "")) for one in bars]
    assert heights[0] == 0
    assert heights[2] == pytest.approx(2 * heights[1])
    assert [one.findtext("title") for one in bars] == ["2026-01: 0", "2026-02: 5", "2026-03: 10"]
    assert drawn.get("role") == "img"
    assert [drawn.findtext("title"), drawn.findtext("desc")] == ["Growth", "Ten at most"]


@pytest.mark.parametrize("kind", ["columns", "line", "bars", "calendar"])
def test_words_in_a_chart_are_escaped_and_nothing_is_styled(kind: str) -> None:
    points = [Point(HOSTILE, 3, HOSTILE, kind="bad", tick=HOSTILE, under=HOSTILE), Point("b", 1, "1")]
    days = [Day(date(2026, 11, 2) + timedelta(days=number), "bad", HOSTILE) for number in range(9)]
    drawn = {
        "columns": lambda: charts.columns("a", HOSTILE, HOSTILE, points, top=HOSTILE),
        "line": lambda: charts.line("a", HOSTILE, HOSTILE, points, top=HOSTILE),
        "bars": lambda: charts.bars("a", HOSTILE, HOSTILE, points),
        "calendar": lambda: charts.calendar("a", HOSTILE, HOSTILE, days),
    }[kind]()
    assert "<script" not in drawn
    assert "style" not in drawn
    ET.fromstring(drawn)  # well-formed


def test_a_chart_of_nothing_is_still_a_chart() -> None:
    for drawn in (
        charts.columns("a", "t", "d", [], top="1"),
        charts.line("a", "t", "d", [], top="1"),
        charts.bars("a", "t", "d", []),
    ):
        ET.fromstring(drawn)


def test_today_draws_what_the_person_may_list_with_its_table(visit: Visit, papers: Papers) -> None:
    archivist, other = visit("archivist").get("/").text, visit("other").get("/").text
    assert archivist.count('class="chart__svg"') >= 2
    assert archivist.count("<figure") == archivist.count("数据表")
    assert papers.record_ids
    assert 'class="chart__svg"' not in other  # nothing of another township is counted for her


def test_periods_can_be_chosen_and_nonsense_falls_back(visit: Visit, papers: Papers) -> None:
    browser = visit("archivist")
    for months in (12, 36, 0, 7, -1):
        text = browser.get(f"/?months={months}").text
        wanted = months if months in {12, 36, 0} else 12
        assert re.search(rf'href="/\?months={wanted}#figures" aria-current="true"', text)


def test_totals_counted_ahead_say_what_live_ones_say(
    site: Site, papers: Papers, monkeypatch: pytest.MonkeyPatch
) -> None:
    totals.recount(site.archive)
    with site.archive.reading() as session:
        assert session.query(HoldingTotal).count()
        assert session.query(FindingTotal).count()
        for username in ("archivist", "clerk", "other", "officer", "sysadmin"):
            account = session.query(Account).filter_by(username=username).one()
            now = site.archive.clock.now()
            actor = actor_of(session, account, site.archive.profile, local_date(now, site.archive.zone), now)
            live = [ask(session, actor, site.archive.profile) for ask in (figures.holdings, figures.findings)]
            with monkeypatch.context() as patched:
                patched.setattr(totals, "AT_ONCE", 0)
                counted = [ask(session, actor, site.archive.profile) for ask in (figures.holdings, figures.findings)]
            assert counted == live, username
            if username == "other":
                assert live == [[], []]
            if username == "archivist":
                assert sum(one.records for one in live[0]) >= len(papers.record_ids)
    assert totals.recount(site.archive) == 0  # nothing was added since
    with site.archive.reading() as session:
        before = totals.seen(session)
    later = FixedClock(site.archive.clock.now() + timedelta(hours=7))
    assert totals.recount(replace(site.archive, clock=later)) > 0, "what was destroyed or closed since counts no longer"
    with site.archive.reading() as session:
        assert totals.seen(session) != before, "what was added up is not kept either"
