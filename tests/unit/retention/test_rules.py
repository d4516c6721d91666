"""Pure rules of retention: calendar arithmetic, triggers, the governing rule."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metadata.profile import builtin
from retention.assignment import NO_RULE, Assignment, CaseFacts, assign, decisions, longest, together
from retention.periods import add_years, year_end
from retention.triggers import YEAR, CaseEvent, case_events, triggered

PROFILE = builtin("social_assistance")
TODAY = date(2026, 1, 5)
days = st.dates(min_value=date(1950, 1, 1), max_value=date(2150, 12, 31))
periods = st.integers(min_value=1, max_value=100)


@given(days, periods)
def test_years_keep_month_and_day_except_the_leap_day(day: date, years: int) -> None:
    later = add_years(day, years)
    assert later.year == day.year + years
    if (day.month, day.day) == (2, 29) and (later.month, later.day) != (2, 29):
        assert (later.month, later.day) == (2, 28)
    else:
        assert (later.month, later.day) == (day.month, day.day)


@given(days, days, periods)
def test_years_keep_the_order_of_days(one: date, other: date, years: int) -> None:
    if one <= other:
        assert add_years(one, years) <= add_years(other, years)


@given(days, periods, periods)
def test_years_add_up_except_over_a_leap_day(day: date, first: int, second: int) -> None:
    if (day.month, day.day) != (2, 29):
        assert add_years(add_years(day, first), second) == add_years(day, first + second)


@given(days, periods)
def test_a_record_of_any_day_of_a_year_has_the_same_year_end(day: date, years: int) -> None:
    assert year_end(day.year) == date(day.year, 12, 31) + timedelta(days=1)
    assert add_years(year_end(day.year), years) == date(day.year + 1 + years, 1, 1)


def test_the_leap_day() -> None:
    assert add_years(date(2024, 2, 29), 5) == date(2029, 2, 28)
    assert add_years(date(2024, 2, 29), 4) == date(2028, 2, 29)


def facts(code: str | None, *events: tuple[str, str], programme: str | None = "DB", **more: object) -> CaseFacts:
    happened = case_events([{"event": name, "on": on} for name, on in events])
    granted, refused = decisions(happened, PROFILE.events)
    kind = PROFILE.document_types.get(code or "")
    values: dict[str, object] = {
        "document_type": code,
        "level": kind.level if kind else None,
        "programme": programme,
        "year": 2020,
        "dated": None,
        "events": happened,
        "in_case_file": bool(events),
        "granted": granted,
        "refused": refused,
    }
    return CaseFacts(**(values | more))  # type: ignore[arg-type]


def judged(code: str | None, *events: tuple[str, str], **more: object) -> Assignment:
    return assign(facts(code, *events, **more), PROFILE.retention_rules, TODAY, triggers=PROFILE.triggers)


CONFIRMED = ("confirmed", "2020-03-01")
STOPPED = ("benefit_stopped", "2024-02-29")


def test_approval_papers_wait_for_the_stop_and_run_from_its_day() -> None:
    active = judged("APP01", CONFIRMED)
    assert (active.rule_id, active.outcome, active.waiting_for) == ("R01", "waiting", "benefit_stopped")
    assert active.due_on is None
    stopped = judged("APP01", CONFIRMED, STOPPED)
    assert (stopped.outcome, stopped.trigger_on, stopped.due_on) == ("due", date(2024, 2, 29), date(2029, 2, 28))


def test_year_end_is_itself_the_first_of_january() -> None:
    sheet = judged("REG04", dated=date(2020, 6, 30))
    assert (sheet.rule_id, sheet.trigger_on, sheet.due_on) == ("R07", date(2021, 1, 1), date(2051, 1, 1))
    assert judged("REG04", year=2019).due_on == date(2050, 1, 1)
    unknown = judged("REG04", year=None)
    assert (unknown.outcome, unknown.waiting_for) == ("waiting", YEAR)


def test_the_longest_of_two_rules_governs() -> None:
    both = judged("STP01", CONFIRMED, STOPPED, dated=date(2024, 2, 29))
    assert (both.rule_id, both.due_on) == ("R03", date(2035, 1, 1))
    assert [step.code for step in both.story] == ["due", "due", "longest"]
    late = judged("DYN05", CONFIRMED, ("benefit_stopped", "2040-05-01"), dated=date(2021, 5, 1))
    assert (late.rule_id, late.due_on) == ("R01", date(2045, 5, 1))
    open_end = judged("DYN05", CONFIRMED, dated=date(2010, 5, 1))
    assert (open_end.outcome, open_end.waiting_for) == ("waiting", "benefit_stopped")


def test_permanent_needs_no_trigger() -> None:
    for code in ("REG07", "KUA04", "ADM01", "DSP02", "PRE01"):
        assert judged(code, year=None).outcome == "permanent"


def test_a_return_to_the_scheme_resets_the_clock() -> None:
    back = judged("APP01", CONFIRMED, STOPPED, ("application_accepted", "2025-01-10"))
    assert (back.outcome, back.story[0].code, back.story[0].params["reset_on"]) == ("waiting", "reset", "2025-01-10")
    returned = judged("APP01", CONFIRMED, STOPPED, ("application_accepted", "2025-01-10"), ("confirmed", "2025-02-10"))
    assert returned.outcome == "waiting"
    again = judged("APP01", CONFIRMED, STOPPED, ("confirmed", "2025-02-10"), ("benefit_stopped", "2025-12-01"))
    assert again.due_on == date(2030, 12, 1)


def test_a_refused_return_does_not_reset_the_clock_but_the_refusal_has_its_own() -> None:
    refused = judged("APP01", CONFIRMED, STOPPED, ("application_accepted", "2025-01-10"), ("rejected", "2025-02-10"))
    assert (refused.rule_id, refused.due_on) == ("R02", date(2030, 2, 10))
    assert {step.rule_id: step.params["due_on"] for step in refused.story if step.code == "due"} == {
        "R01": "2029-02-28",
        "R02": "2030-02-10",
    }


def test_papers_of_a_refused_application() -> None:
    refused = judged("APP01", ("application_accepted", "2023-01-10"), ("rejected", "2023-02-10"))
    assert (refused.rule_id, refused.trigger_on, refused.due_on) == ("R02", date(2023, 2, 10), date(2028, 2, 10))


def test_a_paper_of_no_type_in_a_household_file_is_governed_with_it() -> None:
    assert judged(None, CONFIRMED, STOPPED).rule_id == "R01"


def test_what_no_rule_covers_is_never_due() -> None:
    for one in (judged(None), judged("APP01", programme="TK"), judged("APP01", programme=None)):
        assert (one.rule_id, one.outcome, one.waiting_for, one.due_on) == (NO_RULE, "waiting", "rule", None)


def test_every_document_type_of_dibao_has_a_rule() -> None:
    for code, kind in PROFILE.document_types.items():
        if kind.serves("DB"):
            assert judged(code, CONFIRMED).rule_id != NO_RULE, code


def test_a_past_day_is_due_now_and_nothing_more() -> None:
    past = judged("APP01", CONFIRMED, ("benefit_stopped", "2020-12-01"))
    assert past.outcome == "due"
    assert past.story[-1].code == "due_now"


def test_items_of_one_file_are_appraised_together_at_the_latest_day() -> None:
    own = {
        "application": judged("APP01", CONFIRMED, STOPPED),
        "stop": judged("STP01", CONFIRMED, STOPPED, dated=date(2024, 2, 29)),
    }
    common = together(own)
    assert {one.due_on for one in common.values()} == {date(2035, 1, 1)}
    assert common["application"].rule_id == "R01"
    assert common["application"].story[-1].params["record_id"] == "stop"
    assert common["stop"] == own["stop"]
    assert together({}) == {}


assignments = st.builds(
    Assignment,
    rule_id=st.sampled_from(["R01", "R02", "R03"]),
    outcome=st.just("due"),
    trigger=st.just("year_end"),
    due_on=days,
) | st.builds(
    Assignment,
    rule_id=st.just("R01"),
    outcome=st.sampled_from(["waiting", "permanent"]),
    trigger=st.just("benefit_stopped"),
)


@given(st.lists(assignments, min_size=1, max_size=6))
def test_the_longest_is_never_shorter_than_any(several: list[Assignment]) -> None:
    winner = longest(several)
    rank = {"due": 0, "waiting": 1, "permanent": 2}
    for one in several:
        assert rank[winner.outcome] >= rank[one.outcome]
        if winner.outcome == one.outcome == "due":
            assert winner.due_on is not None
            assert one.due_on is not None
            assert winner.due_on >= one.due_on
    common = together({str(position): one for position, one in enumerate(several)})
    assert {(one.outcome, one.due_on) for one in common.values()} == {(winner.outcome, winner.due_on)}


@given(
    st.lists(st.tuples(st.sampled_from(sorted(PROFILE.events)), days), max_size=12),
    st.sampled_from(sorted(PROFILE.document_types)),
)
def test_nothing_stays_without_a_day_an_event_or_permanence(history: list[tuple[str, date]], code: str) -> None:
    one = judged(code, *((event, on.isoformat()) for event, on in history))
    if one.outcome == "due":
        assert one.due_on is not None
        assert one.trigger_on is not None
        assert one.due_on > one.trigger_on
        rule = PROFILE.rules_by_id[one.rule_id]
        assert rule.floor_years is not None
        assert one.due_on >= add_years(one.trigger_on, rule.floor_years)
    elif one.outcome == "waiting":
        assert one.waiting_for
        assert one.due_on is None
    else:
        assert one.due_on is None


def test_events_without_a_day_start_nothing_and_same_day_events_keep_their_order() -> None:
    events = case_events(
        [
            {"event": "benefit_stopped", "on": "2024-05-01"},
            {"event": "confirmed", "on": "2024-05-01"},
            {"event": "benefit_stopped", "on": None},
            CaseEvent("confirmed", date(2020, 1, 1)),
        ]
    )
    assert [one.event for one in events] == ["confirmed", "benefit_stopped", "confirmed"]
    assert triggered(PROFILE.triggers["benefit_stopped"], events, year=None, dated=None).reset_on == date(2024, 5, 1)


def test_a_malformed_day_is_an_error_of_the_caller() -> None:
    with pytest.raises(ValueError):
        case_events([{"event": "confirmed", "on": "yesterday"}])
