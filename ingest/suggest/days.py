"""The day of a paper: from its text, its name, the camera, and in the last resort the file's own time."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from metadata import dates
from metadata.recognition import Recognition
from search.analysis import fold

_BEFORE = 12
_END = 160


def proposed(
    *,
    names: Sequence[str],
    text: str,
    pages: int,
    taken: date | None,
    modified_ns: int | None,
    today: date,
    zone: str,
    words: Recognition,
) -> dict[str, Any] | None:
    """The most plausible day with confidence and basis; never one that has not come yet."""
    found: list[tuple[float, date, str]] = []
    found += [(sure, day, "text") for sure, day in _in_text(text, pages, words)]
    for name in names:
        found += [(0.65 if one.bare else 0.75, one.day, "name") for one in dates.find(name)]
    if taken is not None:
        found.append((0.6, taken, "camera"))
    if modified_ns is not None:
        at = datetime.fromtimestamp(modified_ns / 1e9, UTC).astimezone(ZoneInfo(zone)).date()
        found.append((0.2, at, "file_time"))
    past = [one for one in found if one[1] <= today and one[1].year >= today.year - 120]
    if not past:
        return None
    sure, day, basis = max(past, key=lambda one: one[0])
    agreeing = sorted({other for _, one, other in past if one == day})
    if len(agreeing) > 1:
        sure = min(0.97, sure + 0.1 * (len(agreeing) - 1))
    return {"value": day.isoformat(), "confidence": round(sure, 2), "basis": agreeing or [basis]}


def _in_text(text: str, pages: int, words: Recognition) -> list[tuple[float, date]]:
    """Days of the first page: behind a label of the paper's day, or the last one near the end (落款)."""
    folded = fold(text)
    labels, others = _folded(words.date_labels), _folded(words.other_dates)
    told: list[tuple[float, date]] = []
    places = [one for one in dates.find(folded) if not one.bare]
    for one in places:
        before = folded[max(0, one.start - _BEFORE) : one.start].rstrip(" :：\t\u3000")
        if before.endswith(others):
            continue
        if before.endswith(labels):
            told.append((0.85, one.day))
        elif one is places[-1] and len(folded) - one.end < _END:
            told.append((0.8 if pages <= 1 else 0.65, one.day))
        else:
            told.append((0.4, one.day))
    return told


@lru_cache(maxsize=8)
def _folded(words: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(fold(one) for one in words)
