"""Personal numbers inside text: ID, bank-card-like and telephone numbers. Found, hidden, masked, never indexed as text.

The index holds a keyed hash of each (``Keys.blind``), so that who knows a number finds it and who steals the index does
not read it. GB 11643-1999 (ID numbers), GB/T 35273 (masking). A number of our own, the household number, is no
secret; it is kept as text when its check character is right and it is not a bank card (Luhn check, ISO/IEC 7812-1).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from metadata import idcard
from metadata.errors import Invalid
from metadata.household import check_household_no

Kind = Literal["id", "account", "phone"]
Blind = Callable[[str, str], str]
"""``Keys.blind``: text and purpose to a keyed hash."""

NUMBER = "search.number"
LAST_FOUR = "search.last4"

_GAP = r"[ \u00a0\u3000-]"
_CANDIDATES = re.compile(
    rf"(?<![0-9a-z])(?:"
    rf"(?P<id>\d{{6}}{_GAP}(?:\d{{8}}|\d{{4}}{_GAP}\d{{2}}{_GAP}\d{{2}}){_GAP}\d{{3}}[0-9x])"
    rf"|(?P<card>\d{{4}}(?:{_GAP}\d{{4}}){{3}}(?:{_GAP}\d{{1,3}})?)"
    rf"|(?P<mobile>(?:\+?86{_GAP}?)?1[3-9]\d(?:{_GAP}?\d{{4}}){{2}})"
    rf"|(?P<line>0\d{{2,3}}{_GAP}?\d{{7,8}})"
    rf")(?![0-9])"
    rf"|(?<!\d)(?P<run>\d{{14,}}[0-9x])"
)
_LONGEST_RUN = 400
_LONG_ENOUGH = re.compile(r"[0-9](?:[ \u00a0\u3000-]?[0-9]){9}")  # no number that is looked for has fewer digits
_DIGITS = re.compile(r"[^0-9x]")


@dataclass(frozen=True, slots=True)
class Found:
    """A personal number in folded text: where, of what kind, in its one form (digits, capital ``X``)."""

    start: int
    end: int
    kind: Kind
    number: str


def find(folded: str) -> Iterator[Found]:
    """Personal numbers in folded text (``search.analysis.fold``), from left to right."""
    if not _LONG_ENOUGH.search(folded):
        return
    for match in _CANDIDATES.finditer(folded):
        number = _DIGITS.sub("", match.group()).upper()
        kind = _kind(match.lastgroup or "", number)
        if kind is None:
            continue
        if kind == "phone" and match.lastgroup == "mobile":
            number = number[-11:]
        yield Found(match.start(), match.end(), kind, number)


def _kind(group: str, number: str) -> Kind | None:
    if group in {"mobile", "line"}:
        return "phone"
    if group == "id":
        return "id" if idcard.is_valid(number) else None
    if len(number) in {15, 18} and idcard.is_valid(number):
        return "id"
    return None if _is_household(number) else "account"


def _is_household(number: str) -> bool:
    try:
        check_household_no(number)
    except Invalid:
        return False
    return not (number.isdigit() and _luhn(number))


def _luhn(digits: str) -> bool:
    total = 0
    for place, one in enumerate(reversed(digits)):
        value = int(one) * (2 if place % 2 else 1)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


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
    """``text`` with its personal numbers masked, as long as before: ID 6 + 4, telephone 3 + 4, account last 4 shown.

    ``folded`` is ``text`` folded; the places are the same.
    """
    characters = list(text)
    for one in find(folded):
        first = {"id": 6, "phone": 3, "account": 0}[one.kind]
        places = [place for place in range(one.start, one.end) if characters[place].isalnum()]
        for place in places[first : max(first, len(places) - 4)]:
            characters[place] = "*"
    return "".join(characters)
