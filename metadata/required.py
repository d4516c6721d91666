"""Which papers a household file should hold now: the profile's catalogue and conditions over the facts of the case."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from metadata.profile import DocumentType, Profile

_ALWAYS = ("apply", "check", "review", "confirm", "pay")
_LAST = 10_000


def facts_of(profile: Profile, state: Mapping[str, Any]) -> frozenset[str]:
    """Facts that hold for a case: those entered, and those that an event of the case brings about."""
    happened = {str(one.get("event")) for one in state.get("events", [])}
    told = {name for name, holds in state.get("facts", {}).items() if holds}
    return frozenset(told | {fact.code for fact in profile.facts.values() if fact.event in happened})


def expected(profile: Profile, programme: str, state: Mapping[str, Any]) -> list[DocumentType]:
    """Papers that the profile asks for in this file now, in the order of the file (DA/T 70 I9).

    ``state`` is the case file's newest state. Papers of the procedure up to payment belong in every file (those of
    confirmation not in one that was rejected); later ones once their event has happened; conditional ones when their
    facts hold.
    """
    happened = {str(one.get("event")) for one in state.get("events", [])}
    rejected = "rejected" in happened and "confirmed" not in happened
    facts = facts_of(profile, state)
    found = []
    for one in profile.document_types.values():
        if one.level != "household" or not one.serves(programme):
            continue
        if one.required == "always":
            due = one.event in happened or (one.stage in _ALWAYS and not (rejected and one.stage in {"confirm", "pay"}))
        else:
            due = one.required == "if" and one.when is not None and one.when.holds(facts)
        if due:
            found.append(one)
    return sorted(found, key=lambda one: one.order or _LAST)
