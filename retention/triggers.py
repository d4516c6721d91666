"""What starts a retention period, read from the events of a case."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from metadata.profile import Trigger
from retention.periods import year_end

YEAR = "year"
"""What ``waiting_for`` says when neither a year nor a date of the record is known."""


@dataclass(frozen=True, slots=True)
class CaseEvent:
    """Something that happened in a case on a calendar day."""

    event: str
    on: date


def case_events(entries: Iterable[Mapping[str, Any] | CaseEvent]) -> tuple[CaseEvent, ...]:
    """Events as a case file's state holds them (``{"event", "on", "note"}``), by day and code.

    The hours of a day are not known, so the order in which its events were entered decides nothing: ``triggered`` says
    which stands first. Entries without a usable day are passed over: they can start no period.
    """
    found = []
    for entry in entries:
        if isinstance(entry, CaseEvent):
            found.append(entry)
            continue
        on = entry.get("on")
        day = date.fromisoformat(on[:10]) if isinstance(on, str) and on else on
        if isinstance(day, date):
            found.append(CaseEvent(str(entry.get("event")), day))
    return tuple(sorted(found, key=lambda one: (one.on, one.event)))


@dataclass(frozen=True, slots=True)
class Triggered:
    """When the period started, or the event it waits for; ``reset_on``: a return to the scheme took the start back."""

    on: date | None
    waiting_for: str | None = None
    reset_on: date | None = None
    event: str | None = None


def triggered(trigger: Trigger, events: Sequence[CaseEvent], *, year: int | None, dated: date | None) -> Triggered:
    """When ``trigger`` started for a record of ``year``/``dated`` in a case with these ``events`` (``case_events``)."""
    if trigger.kind == "year_end":
        made = dated.year if dated is not None else year
        return Triggered(year_end(made)) if made is not None else Triggered(None, waiting_for=YEAR)
    started: CaseEvent | None = None
    reset: CaseEvent | None = None
    events = sorted(events, key=lambda one: (one.on, _place_in_day(trigger, one.event)))
    for one in events:
        if one.event in trigger.events:
            started, reset = one, None
        elif started is not None and one.event in trigger.reset_by:
            reset = reset or one
        elif reset is not None and one.event in trigger.reset_undone_by and not _returned(trigger, events, reset, one):
            reset = None
    if started is None:
        return Triggered(None, waiting_for=trigger.events[0])
    if reset is not None:
        return Triggered(None, waiting_for=trigger.events[0], reset_on=reset.on, event=reset.event)
    return Triggered(started.on, event=started.event)


def _returned(trigger: Trigger, events: Sequence[CaseEvent], reset: CaseEvent, refusal: CaseEvent) -> bool:
    """Whether the case had truly come back between ``reset`` and ``refusal``.

    ``reset_by`` lists the steps of a return in order; only its last one (the confirmation) makes it final.
    """
    between = events[events.index(reset) : events.index(refusal)]
    return any(one.event == trigger.reset_by[-1] for one in between)


def _place_in_day(trigger: Trigger, event: str) -> tuple[int, int]:
    """The start first (or last, as the profile says), the steps of a return in their order, then what takes it back."""
    if event in trigger.reset_undone_by:
        return 3, 0
    if event in trigger.events:
        return (0 if trigger.same_day == "first" else 2), 0
    return 1, trigger.reset_by.index(event) if event in trigger.reset_by else 0
