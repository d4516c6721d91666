"""Personal numbers inside text that is searched: ID, bank-card-like and telephone numbers, never indexed as text.

The index holds a keyed hash of each (``Keys.blind``), so that who knows a number finds it and who steals the index does
not read it. What counts as such a number, and how it is masked, says ``metadata.personal_numbers``.
"""

from __future__ import annotations

from collections.abc import Callable

from metadata import idcard
from metadata.personal_numbers import Found, Kind, covered, find

__all__ = ["Blind", "Found", "Kind", "exact_term", "find", "hashes", "hide", "inner_ids", "last_four_term", "masked"]

Blind = Callable[[str, str], str]
"""``Keys.blind``: text and purpose to a keyed hash."""

NUMBER = "search.number"
LAST_FOUR = "search.last4"
_LONGEST_RUN = 400


def inner_ids(number: str) -> list[str]:
    """ID numbers inside a longer run of digits (numbers printed without a gap); the run itself is not among them.

    A run of more than ``_LONGEST_RUN`` digits is no row of printed numbers: looking into it would only cost time.
    """
    if not 19 < len(number) <= _LONGEST_RUN:
        return []
    windows = (number[place : place + 18] for place in range(len(number) - 17))
    return [one for one in windows if idcard.is_valid(one)]


def hashes(number: str, blind: Blind) -> tuple[str, ...]:
    """The terms an index holds for a number: exact, and by its last four characters."""
    terms = [exact_term(number, blind), last_four_term(number[-4:], blind)]
    for inner in inner_ids(number):
        terms += [exact_term(inner, blind), last_four_term(inner[-4:], blind)]
    return tuple(terms)


def exact_term(number: str, blind: Blind) -> str:
    """The term of a whole number."""
    return "b:" + blind(number.upper(), NUMBER)[:32]


def last_four_term(last_four: str, blind: Blind) -> str:
    """The term of a number's last four characters."""
    return "l:" + blind(last_four.upper(), LAST_FOUR)[:32]


def hide(folded: str, with_character: str) -> tuple[str, list[str]]:
    """Folded text with each personal number replaced by one character, and the numbers."""
    parts: list[str] = []
    numbers: list[str] = []
    place = 0
    for one in find(folded):
        parts += [folded[place : one.start], with_character]
        numbers.append(one.number)
        place = one.end
    if not numbers:
        return folded, []
    return "".join([*parts, folded[place:]]), numbers


def masked(text: str, folded: str) -> str:
    """``text`` with its personal numbers masked, as long as before; ``folded`` is ``text`` folded, place for place."""
    return covered(text, find(folded))
