"""Every rule of the schedule against due dates worked out by hand."""

from __future__ import annotations

from datetime import date

import pytest

from metadata.profile import builtin
from retention.assignment import Assignment, CaseFacts, assign, decisions
from retention.triggers import case_events

PROFILE = builtin("social_assistance")
TODAY = date(2026, 1, 5)


def governed(code: str | None, dated: str, *history: tuple[str, str], programme: str | None = "DB") -> Assignment:
    events = case_events([{"event": event, "on": on} for event, on in history])
    granted, refused = decisions(events, PROFILE.events)
    kind = PROFILE.document_types.get(code or "")
    facts = CaseFacts(
        document_type=code,
        level=kind.level if kind else None,
        programme=programme,
        year=date.fromisoformat(dated).year,
        dated=date.fromisoformat(dated),
        events=events,
        in_case_file=bool(history),
        granted=granted,
        refused=refused,
    )
    return assign(facts, PROFILE.retention_rules, TODAY, triggers=PROFILE.triggers)


@pytest.mark.parametrize(
    ("code", "rule", "due"),
    [  # all made on 2020-05-01: the trigger is 2021-01-01, and no year is added to it
        ("REG01", "R03", "2031-01-01"),
        ("REG02", "R03", "2031-01-01"),
        ("REG06", "R03", "2031-01-01"),
        ("REG08", "R03", "2031-01-01"),
        ("REG11", "R03", "2031-01-01"),
        ("REG12", "R03", "2031-01-01"),
        ("REG03", "R04", "2051-01-01"),
        ("REG07", "R05", None),
        ("STA01", "R06", "2031-01-01"),
        ("REG04", "R07", "2051-01-01"),
        ("REG05", "R07", "2051-01-01"),
        ("KUA01", "R07", "2051-01-01"),
        ("KUA02", "R08", "2051-01-01"),
        ("KUA03", "R09", "2031-01-01"),
        ("KUA04", "R10", None),
        ("ADM01", "R11", None),
        ("ADM02", "R12", "2051-01-01"),
        ("REG09", "R13", "2051-01-01"),
        ("REG10", "R13", "2051-01-01"),
        ("DSP01", "R14", None),
        ("DSP02", "R14", None),
        ("DSP03", "R14", None),
        ("LOG01", "R15", "2051-01-01"),
        ("PRE01", "R16", None),
    ],
)
@pytest.mark.parametrize("programme", ["DB", None, "TK"])
def test_volumes_run_from_the_year_after_they_were_made(
    code: str, rule: str, due: str | None, programme: str | None
) -> None:
    for dated in ("2020-01-01", "2020-05-01", "2020-12-31"):
        found = governed(code, dated, programme=programme)
        assert found.rule_id == rule
        assert (found.outcome, found.due_on) == (("due", date.fromisoformat(due)) if due else ("permanent", None))


GRANTED = (("application_accepted", "2018-01-10"), ("confirmed", "2018-02-01"))
STOPPED = (*GRANTED, ("benefit_stopped", "2020-02-29"))
REFUSED = (("application_accepted", "2018-01-10"), ("rejected", "2018-02-01"))


@pytest.mark.parametrize(
    ("code", "dated", "history", "rule", "expected"),
    [
        ("APP01", "2018-01-05", GRANTED, "R01", "benefit_stopped"),  # on the roll: it waits
        ("APP01", "2018-01-05", STOPPED, "R01", date(2025, 2, 28)),  # 29 February falls on the 28th
        (None, "2018-01-05", STOPPED, "R01", date(2025, 2, 28)),  # a paper of no type goes with its file
        ("DYN06", "2019-06-01", STOPPED, "R03", date(2030, 1, 1)),  # both apply, ten years from 2020-01-01 are longer
        ("DYN06", "2009-06-01", STOPPED, "R01", date(2025, 2, 28)),  # both apply, the file's own are longer
        ("DYN06", "2019-06-01", GRANTED, "R01", "benefit_stopped"),  # what waits is longer than any day
        ("STP01", "2020-02-29", STOPPED, "R03", date(2031, 1, 1)),
        ("STP04", "2020-02-29", STOPPED, "R01", date(2025, 2, 28)),  # not in the list of daily management
        ("APP01", "2018-01-05", REFUSED, "R02", date(2023, 2, 1)),
        ("APP01", "2018-01-05", (*REFUSED, ("application_accepted", "2022-12-01")), "R02", "rejected"),  # asks again
        ("APP01", "2018-01-05", (*REFUSED, *STOPPED[1:]), "R01", date(2025, 2, 28)),  # refused first, granted later
        ("APP01", "2018-01-05", (*STOPPED, ("application_accepted", "2021-01-01")), "R01", "benefit_stopped"),
        ("APP01", "2018-01-05", (*STOPPED, ("confirmed", "2021-01-01")), "R01", "benefit_stopped"),
        (  # came back and was refused: the stop stands again, and the refusal has a clock of its own, which is longer
            "APP01",
            "2018-01-05",
            (*STOPPED, ("application_accepted", "2021-01-01"), ("rejected", "2021-02-01")),
            "R02",
            date(2026, 2, 1),
        ),
        (  # came back, left again: only the last stop counts
            "APP01",
            "2018-01-05",
            (*STOPPED, ("confirmed", "2021-01-01"), ("benefit_stopped", "2022-07-01")),
            "R01",
            date(2027, 7, 1),
        ),
    ],
)
def test_papers_of_a_household_follow_its_history(
    code: str | None, dated: str, history: tuple[tuple[str, str], ...], rule: str, expected: date | str
) -> None:
    found = governed(code, dated, *history)
    assert found.rule_id == rule
    if isinstance(expected, date):
        assert (found.outcome, found.due_on) == ("due", expected)
    else:
        assert (found.outcome, found.due_on, found.waiting_for) == ("waiting", None, expected)


def test_a_household_paper_of_a_programme_without_a_rule_is_never_due() -> None:
    found = governed("APP01", "2018-01-05", *STOPPED, programme="LS")
    assert (found.rule_id, found.outcome, found.waiting_for) == ("none", "waiting", "rule")
