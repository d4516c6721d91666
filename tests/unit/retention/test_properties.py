"""Properties of retention over random histories: one rule, one outcome, nothing too early."""

from __future__ import annotations

import random
from datetime import date, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from metadata.profile import RetentionRule, Trigger, builtin
from repository.clock import local_date
from retention.assignment import NO_RULE, Assignment, CaseFacts, assign, decisions, together
from retention.periods import add_years
from retention.triggers import case_events, triggered

PROFILE = builtin("social_assistance")
TODAY = date(2026, 1, 5)
days = st.dates(min_value=date(1980, 1, 1), max_value=date(2060, 12, 31))
codes = st.sampled_from([*PROFILE.document_types, None])
happening = st.tuples(st.sampled_from(list(PROFILE.events)), days)
histories = st.lists(happening, max_size=12)
few_days = st.sampled_from([date(2024, 2, 28), date(2024, 2, 29), date(2024, 3, 1), date(2025, 12, 31)])
crowded = st.lists(
    st.tuples(
        st.sampled_from(["benefit_stopped", "application_accepted", "confirmed", "rejected", "payment_made"]), few_days
    ),
    max_size=7,
)


def facts(code: str | None, history: list[tuple[str, date]], dated: date | None = date(2020, 5, 1)) -> CaseFacts:
    events = case_events([{"event": event, "on": on.isoformat()} for event, on in history])
    granted, refused = decisions(events, PROFILE.events)
    kind = PROFILE.document_types.get(code or "")
    return CaseFacts(code, kind.level if kind else None, "DB", None, dated, events, True, granted, refused)


def judged(one: CaseFacts) -> Assignment:
    return assign(one, PROFILE.retention_rules, TODAY, triggers=PROFILE.triggers)


def whole(one: Assignment) -> None:
    """Exactly one rule; a due day, permanent, or waiting for something that is named."""
    assert (one.outcome == "due") == (one.due_on is not None)
    assert (one.outcome == "waiting") == (one.waiting_for is not None)
    assert one.outcome in {"due", "waiting", "permanent"}
    assert one.rule_id == NO_RULE or one.rule_id in PROFILE.rules_by_id
    assert one.story


@given(codes, histories, st.one_of(st.none(), days))
def test_every_record_has_one_rule_and_one_outcome(
    code: str | None, history: list[tuple[str, date]], dated: date | None
) -> None:
    whole(judged(facts(code, history, dated)))


@given(st.lists(codes, min_size=1, max_size=6), histories)
def test_items_of_one_file_share_the_latest_day_and_none_ends_before_its_own(
    types: list[str | None], history: list[tuple[str, date]]
) -> None:
    items = {str(number): facts(code, history) for number, code in enumerate(types)}
    own = {name: judged(one) for name, one in items.items() if one.household_item}
    common = together(own)
    assert common.keys() == own.keys()
    for name, one in common.items():
        whole(one)
        assert one.rule_id == own[name].rule_id
        assert (one.due_on or date.max) >= (own[name].due_on or date.max)
    assert len({(one.outcome, one.due_on) for one in common.values()}) <= 1


@given(codes, histories, st.one_of(st.none(), days))
def test_nothing_is_due_before_its_floor(code: str | None, history: list[tuple[str, date]], dated: date | None) -> None:
    one = judged(facts(code, history, dated))
    rule = PROFILE.rules_by_id.get(one.rule_id)
    if one.due_on is not None and rule is not None and one.trigger_on is not None:
        assert one.due_on >= add_years(one.trigger_on, rule.floor_years or 0)
        assert one.due_on == add_years(one.trigger_on, rule.years or 0)


@given(st.integers(min_value=1, max_value=99), days)
def test_more_years_never_end_earlier(years: int, on: date) -> None:
    assert add_years(on, years) < add_years(on, years + 1)


@given(crowded, st.randoms(use_true_random=False))
@settings(max_examples=300)
def test_the_order_in_which_events_were_typed_decides_nothing(
    history: list[tuple[str, date]], chance: random.Random
) -> None:
    mixed = list(history)
    chance.shuffle(mixed)
    assert facts("APP01", history) == facts("APP01", mixed)
    assert judged(facts("APP01", history)) == judged(facts("APP01", mixed))


def _triggered(history: list[tuple[str, date]], code: str = "benefit_stopped") -> date | None:
    events = facts("APP01", history).events
    return triggered(PROFILE.triggers[code], events, year=None, dated=None).on


@given(days, st.integers(min_value=1, max_value=3000), st.integers(min_value=0, max_value=3000))
def test_a_return_resets_and_a_refusal_takes_that_back(stopped: date, later: int, longer: int) -> None:
    back, refused = stopped + timedelta(days=later), stopped + timedelta(days=later + longer)
    history = [("benefit_stopped", stopped)]
    assert _triggered(history) == stopped
    assert _triggered([*history, ("application_accepted", back)]) is None
    assert _triggered([*history, ("application_accepted", back), ("rejected", refused)]) == stopped
    assert _triggered([*history, ("confirmed", back), ("rejected", refused)]) is None
    assert _triggered([*history, ("confirmed", back), ("benefit_stopped", refused)]) in {refused, None}


def test_back_on_the_day_it_stopped_is_back_and_a_refusal_follows_its_application() -> None:
    day = date(2024, 2, 29)
    assert _triggered([("confirmed", day), ("benefit_stopped", day)]) is None
    assert _triggered([("application_accepted", day), ("benefit_stopped", day), ("rejected", day)]) == day
    assert _triggered([("rejected", day), ("application_accepted", day)], "decision_final") == day


@given(days, st.integers(min_value=0, max_value=23), st.integers(min_value=0, max_value=59))
def test_the_day_is_the_bureau_s_not_greenwich_s(day: date, hour: int, minute: int) -> None:
    from datetime import datetime
    from zoneinfo import ZoneInfo

    moment = datetime(day.year, day.month, day.day, hour, minute, tzinfo=ZoneInfo("Asia/Shanghai"))
    assert local_date(moment, "Asia/Shanghai") == day
    ahead = moment.utcoffset()  # nine hours in the summers of 1986 to 1991
    assert ahead is not None
    assert (local_date(moment, "UTC") == day) == (timedelta(hours=hour, minutes=minute) >= ahead)


@given(st.integers(min_value=1, max_value=100), days)
def test_a_longer_rule_never_lets_a_record_go_earlier(years: int, dated: date) -> None:
    trigger: Trigger = PROFILE.triggers["year_end"]
    base = next(one for one in PROFILE.retention_rules if one.id == "R03")
    rules: list[RetentionRule] = [base, base.model_copy(update={"id": "R99", "years": years})]
    one = facts("REG01", [], dated)
    alone = assign(one, rules[:1], TODAY, triggers={"year_end": trigger})
    both = assign(one, rules, TODAY, triggers={"year_end": trigger})
    assert alone.due_on is not None
    assert both.due_on is not None
    assert both.due_on >= alone.due_on
