"""ID, bank-card-like and telephone numbers in running text: where they stand and how they are masked.

GB 11643-1999 (ID numbers, the 15-digit form too), GB/T 35273 (masking): of an ID number the first six and last four
characters are shown, of a telephone number the first three and last four, of a bank account the last four. A number of
our own, the household number, is no secret; it is left alone when its check character is right and it is not a bank
card (Luhn check, ISO/IEC 7812-1). Identifiers and digests are left alone too: their digits are nobody's.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from metadata import idcard
from metadata.errors import Invalid
from metadata.household import check_household_no

Kind = Literal["id", "account", "phone"]
_SHOWN_FIRST: dict[Kind, int] = {"id": 6, "phone": 3, "account": 0}
_SHOWN_LAST = 4

_GAP = r"[ \u00a0\u3000-]"
_WIDE_GAP = r"(?:[^\S\t]|-){0,2}"  # a tabulator stands between the cells of a table: what they hold is not one number
_CANDIDATES = re.compile(
    rf"(?<![0-9a-z])(?:"
    rf"(?P<id>\d{{6}}{_GAP}(?:\d{{8}}|\d{{4}}{_GAP}\d{{2}}{_GAP}\d{{2}}){_GAP}\d{{3}}[0-9x])"
    rf"|(?P<card>\d{{4}}(?:{_GAP}\d{{4}}){{3}}(?:{_GAP}\d{{1,3}})?)"
    rf"|(?P<mobile>(?:\+?86{_GAP}?)?1[3-9]\d(?:{_GAP}?\d{{4}}){{2}})"
    rf"|(?P<line>0\d{{2,3}}{_GAP}?\d{{7,8}})"
    rf")(?![0-9])"
    rf"|(?<!\d)(?P<run>\d{{14,}}[0-9x])"
)
_ODD = (
    # an ID number written in groups of any size, or broken over a line: its check character must be right
    ("id", re.compile(rf"(?<![0-9])(?=(\d(?:{_WIDE_GAP}\d){{16}}{_WIDE_GAP}[0-9x])(?![0-9]))")),
    ("id", re.compile(rf"(?<![0-9])(?=(\d{{6}}{_GAP}\d{{6}}{_GAP}\d{{3}})(?![0-9]))")),
    ("mobile", re.compile(rf"(?<![0-9a-z])(?=(1[3-9]\d\d{_GAP}\d{{3}}{_GAP}\d{{4}})(?![0-9]))")),
    ("mobile", re.compile(rf"(?<![0-9a-z])(?=(1[3-9]\d{{3}}{_GAP}\d{{6}})(?![0-9]))")),
    ("mobile", re.compile(rf"(?<![0-9a-z])(?=(1{_GAP}[3-9](?:{_GAP}\d){{9}})(?![0-9]))")),
    ("mobile", re.compile(r"(?<![0-9a-z])(?=[a-z]*[g-z][a-z]*(1[3-9]\d{9})(?![0-9]))")),
)
"""Ways of writing that are rarer."""
_LONG_ENOUGH = re.compile(r"[0-9](?:[\s-]{0,2}[0-9]){9}")  # no number that is looked for has fewer digits
_DIGITS = re.compile(r"[^0-9x]")
_IDENTIFIERS = re.compile(
    r"(?<![0-9a-z])(?:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
    r"|(?=[0-9]*[a-f])(?:[0-9a-f]{128}|[0-9a-f]{96}|[0-9a-f]{64}|[0-9a-f]{40}|[0-9a-f]{32}))(?![0-9a-z])"
)


@dataclass(frozen=True, slots=True)
class Found:
    """A personal number in folded text: where, of what kind, in its one form (digits, capital ``X``)."""

    start: int
    end: int
    kind: Kind
    number: str


class _Folding(dict[int, int]):
    """Code point -> its digit, Latin letter, blank or hyphen of ASCII; made when first asked for."""

    def __missing__(self, code: int) -> int:
        folded = self[code] = _fold_one(chr(code))
        return folded


def _fold_one(one: str) -> int:
    number = unicodedata.decimal(one, None)
    if number is not None:
        return ord("0") + number
    category = unicodedata.category(one)
    if category == "Pd" or one == "\u2212":
        return ord("-")
    if category in {"Zs", "Cf"}:
        return ord(" ")
    plain = unicodedata.normalize("NFKC", one).lower()
    return ord(plain) if len(plain) == 1 and plain.isascii() and plain.isprintable() else ord(one)


_FOLDING = _Folding()


def fold(text: str) -> str:
    """``text`` with digits of any width or script, letters, blanks and hyphens as ASCII; as long, place for place."""
    return text if text.isascii() and text.islower() else text.translate(_FOLDING)


def find(folded: str) -> Iterator[Found]:
    """Personal numbers in folded text (``fold``, or a folding that goes further), from left to right."""
    if not _LONG_ENOUGH.search(folded):
        return
    found = _all(folded)
    if found:
        kept = [match.span() for match in _IDENTIFIERS.finditer(folded)]
        yield from (one for one in found if not any(one.start < end and one.end > start for start, end in kept))


def _all(folded: str) -> list[Found]:
    found = [_found(match.lastgroup or "", *match.span(), match.group()) for match in _CANDIDATES.finditer(folded)]
    found += [
        _found(group, *match.span(1), match.group(1)) for group, pattern in _ODD for match in pattern.finditer(folded)
    ]
    joined: list[Found] = []
    for one in sorted((one for one in found if one is not None), key=lambda one: (one.start, -one.end)):
        if not joined or one.start >= joined[-1].end:
            joined.append(one)
        elif one.end > joined[-1].end:  # two readings of one row of digits: all of it is hidden
            start, end = joined[-1].start, one.end
            joined[-1] = Found(start, end, "account", _DIGITS.sub("", folded[start:end]).upper())
    return joined


def _found(group: str, start: int, end: int, written: str) -> Found | None:
    number = _DIGITS.sub("", written).upper()
    kind = _kind(group, number)
    if kind is None:
        return None
    return Found(start, end, kind, number[-11:] if group == "mobile" else number)


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


def covered(text: str, found: Iterable[Found]) -> str:
    """``text`` with the numbers ``found`` in it masked, as long as before; gaps inside a number stay."""
    characters = list(text)
    for one in found:
        first = _SHOWN_FIRST[one.kind]
        places = [place for place in range(one.start, one.end) if characters[place].isalnum()]
        for place in places[first : max(first, len(places) - _SHOWN_LAST)]:
            characters[place] = "*"
    return "".join(characters)


def masked(text: str) -> str:
    """``text`` with its personal numbers masked, as long as before."""
    found = list(find(fold(text)))
    return covered(text, found) if found else text
