"""Dates and years as people type them, as closed ranges of days or years. Pure."""

from __future__ import annotations

import re
from calendar import monthrange
from datetime import date

_DIGITS = r"(?P<y>[12]\d{3})(?:[-./年](?P<m>\d{1,2})(?:[-./月](?P<d>\d{1,2})日?|月)?|年)?"
_ONE = re.compile(_DIGITS + r"\Z")
_PLAIN = re.compile(r"(?P<y>[12]\d{3})(?P<m>\d{2})(?P<d>\d{2})\Z")
_RANGE = re.compile(r"\s*(?:\.{2,3}|…+|~+|〜|——?|至|到)\s*")
_COMPARED = re.compile(r"(>=|<=|>|<|≥|≤|=)\s*(.*)\Z")
_LONGEST = 40

Days = tuple[int | None, int | None]
"""First and last day, as ordinals; ``None`` is open."""


def days(text: str) -> Days | None:
    """The range of days that folded ``text`` means, or ``None`` when it means none."""
    text = text.strip()
    if not text or len(text) > _LONGEST:
        return None
    compared = _COMPARED.match(text)
    if compared:
        return _compared(compared.group(1), _span(compared.group(2).strip()))
    ends = _RANGE.split(text)
    if len(ends) == 1:
        return _span(text)
    if len(ends) != 2 or not any(ends):
        return None
    first, last = (_span(end) if end else (None, None) for end in ends)
    if first is None or last is None:
        return None
    if first[0] is not None and last[1] is not None and first[0] > last[1]:
        return None
    return first[0], last[1]


def years(text: str) -> Days | None:
    """The range of years that folded ``text`` means: 2024, 2020..2024, >=2020; ``None`` when it means none."""
    found = days(text)
    if found is None:
        return None
    first, last = (None if end is None else date.fromordinal(end) for end in found)
    whole = (first is None or (first.month, first.day) == (1, 1)) and (
        last is None or (last.month, last.day) == (12, 31)
    )
    return (first.year if first else None, last.year if last else None) if whole else None


def _compared(sign: str, span: tuple[int, int] | None) -> Days | None:
    if span is None:
        return None
    first, last = span
    return {
        ">=": (first, None),
        "≥": (first, None),
        ">": (last + 1, None),
        "<=": (None, last),
        "≤": (None, last),
        "<": (None, first - 1),
        "=": (first, last),
    }[sign]


def _span(text: str) -> tuple[int, int] | None:
    """A day, month or year, from its first day to its last."""
    match = _PLAIN.match(text) or _ONE.match(text)
    if match is None:
        return None
    year, month, day = (int(one) if one else None for one in match.group("y", "m", "d"))
    assert year is not None
    try:
        first = date(year, month or 1, day or 1)
        last = date(year, month or 12, day or monthrange(year, month or 12)[1])
    except ValueError:  # also from monthrange, for a month that there is not
        return None
    return first.toordinal(), last.toordinal()
