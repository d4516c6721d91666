"""Which rule governs a record, and until when: pure rules over values.

Where several rules apply the longest wins; permanent is longer than any date, and while one of them still waits for its
event the end is open. Household items of one case file are appraised together at the latest of their days. Due means
*appraise*; a record that no rule covers waits for one and is never due.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Literal

from metadata.profile import CaseEventType, RetentionRule, Trigger
from retention.periods import add_years
from retention.triggers import CaseEvent, Triggered, triggered

NO_RULE = "none"
"""Stands for the rule of a record that no rule covers."""

RULE = "rule"
"""What ``waiting_for`` says then."""

Outcome = Literal["due", "waiting", "permanent"]


@dataclass(frozen=True, slots=True)
class CaseFacts:
    """What the rules ask about a record.

    ``level``: ``household`` for items of a household file, ``volume`` for registers that cover many, ``None`` for a
    type the profile does not know (counted as household when it stands in a case file). ``events`` as
    ``triggers.case_events`` orders them. ``granted``: the household was on the roll at some time; ``refused``: the last
    decision was a refusal (``decisions`` reads both from the events).
    """

    document_type: str | None
    level: str | None
    programme: str | None
    year: int | None
    dated: date | None
    events: tuple[CaseEvent, ...] = ()
    in_case_file: bool = False
    granted: bool = False
    refused: bool = False

    @property
    def household_item(self) -> bool:
        """Whether the record belongs to the household file."""
        return self.level == "household" or (self.level is None and self.in_case_file)


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the reasoning: a code and what it speaks of; ``schedules`` makes the sentence."""

    code: str
    rule_id: str | None = None
    params: Mapping[str, str | int | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Assignment:
    """The governing rule and what follows from it."""

    rule_id: str
    outcome: Outcome
    trigger: str
    trigger_on: date | None = None
    due_on: date | None = None
    waiting_for: str | None = None
    story: tuple[Step, ...] = ()


def decisions(events: Sequence[CaseEvent], types: Mapping[str, CaseEventType]) -> tuple[bool, bool]:
    """Whether anything was ever granted, and whether the last decision was a refusal; of one day the refusal is last."""
    decided = [(one.on, types[one.event].decision) for one in events if one.event in types]
    made = [decision for _, decision in sorted(((on, one) for on, one in decided if one), key=_granted_first)]
    return "granted" in made, bool(made) and made[-1] == "refused"


def _granted_first(decided: tuple[date, str]) -> tuple[date, bool]:
    return decided[0], decided[1] == "refused"


def applies(rule: RetentionRule, facts: CaseFacts) -> bool:
    """Whether ``rule`` covers the record."""
    if rule.programme is not None and rule.programme != facts.programme:
        return False
    if rule.applies_to == "household":
        return facts.household_item and (facts.granted or not facts.refused)
    if rule.applies_to == "rejected":
        return facts.household_item and facts.refused
    return facts.document_type in rule.applies_to


def _judged(rule: RetentionRule, started: Triggered) -> Assignment:
    facts: dict[str, str | int | None] = {
        "years": rule.years,
        "trigger": rule.trigger,
        "on": started.on.isoformat() if started.on else None,
        "event": started.event,
        "waiting_for": started.waiting_for,
        "reset_on": started.reset_on.isoformat() if started.reset_on else None,
    }
    if rule.years is None:
        step = Step("permanent", rule.id, facts)
        return Assignment(rule.id, "permanent", rule.trigger, started.on, story=(step,))
    if started.on is None:
        step = Step("reset" if started.reset_on else "waiting", rule.id, facts)
        return Assignment(rule.id, "waiting", rule.trigger, waiting_for=started.waiting_for, story=(step,))
    due_on = add_years(started.on, rule.years)
    step = Step("due", rule.id, {**facts, "due_on": due_on.isoformat()})
    return Assignment(rule.id, "due", rule.trigger, started.on, due_on, story=(step,))


_RANK = {"due": 0, "waiting": 1, "permanent": 2}


def _length(one: Assignment) -> tuple[int, date]:
    return _RANK[one.outcome], one.due_on or date.max


def longest(judged: Sequence[Assignment]) -> Assignment:
    """The one that keeps the record longest; the first of equals."""
    return max(judged, key=_length)


def assign(
    facts: CaseFacts, rules: Iterable[RetentionRule], today: date, *, triggers: Mapping[str, Trigger]
) -> Assignment:
    """The rule that governs a record, and until when.

    ``triggers`` are the profile's. ``today`` decides nothing but the words: a day in the past is due *now*.
    """
    judged = [
        _judged(rule, triggered(triggers[rule.trigger], facts.events, year=facts.year, dated=facts.dated))
        for rule in rules
        if applies(rule, facts)
    ]
    if not judged:
        step = Step("no_rule", None, {"document_type": facts.document_type, "programme": facts.programme})
        return Assignment(NO_RULE, "waiting", "", waiting_for=RULE, story=(step,))
    winner = longest(judged)
    story = [step for one in judged for step in one.story]
    if len(judged) > 1:
        story.append(Step("longest", winner.rule_id, {"rules": "、".join(one.rule_id for one in judged)}))
    if winner.due_on is not None and winner.due_on <= today:
        story.append(Step("due_now", winner.rule_id, {"today": today.isoformat()}))
    return replace(winner, story=tuple(story))


def together(assignments: Mapping[str, Assignment]) -> dict[str, Assignment]:
    """Household items of one case file (record id -> own assignment), appraised together at the latest day.

    An item keeps its own rule and learns the common day; where one item is permanent or waits, all keep with it.
    """
    if not assignments:
        return {}
    last_id = max(assignments, key=lambda one: (_length(assignments[one]), one))
    last = assignments[last_id]
    common: dict[str, Assignment] = {}
    for record_id, own in assignments.items():
        if _length(own) == _length(last):
            common[record_id] = own
            continue
        step = Step(
            "together",
            last.rule_id,
            {
                "own_due_on": own.due_on.isoformat() if own.due_on else None,
                "due_on": last.due_on.isoformat() if last.due_on else None,
                "outcome": last.outcome,
                "waiting_for": last.waiting_for,
                "record_id": last_id,
            },
        )
        common[record_id] = replace(
            own,
            outcome=last.outcome,
            due_on=last.due_on,
            waiting_for=last.waiting_for,
            story=(*own.story, step),
        )
    return common
