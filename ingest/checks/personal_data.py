"""Personal data in text (GB/T 35273): ID numbers, bank accounts and telephone numbers are counted, never repeated."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

from ingest.outcome import Finding
from search.analysis import fold
from search.numbers import Found, find, inner_ids

_CARD = re.compile(r"(?:[3-6]|9558|9559)[0-9]*\Z")
"""First digits of issuers (ISO/IEC 7812-1: travel, banking), and of two old series of Chinese banks."""
_CARD_LENGTHS = range(16, 20)
_CELL = re.compile(r"[0-9０-９]")


def run(path: str, text: str) -> Iterable[Finding]:
    """``personal.found`` with how many numbers of each kind ``text`` holds."""
    if _CELL.search(text):
        yield from told(path, find(fold(text)))


def told(path: str, numbers: Iterable[Found]) -> Iterable[Finding]:
    """``run`` for who has looked for the numbers of the text already (``search.numbers.find``)."""
    counted: Counter[str] = Counter()
    for found in numbers:
        if found.kind == "account":
            ids = len(inner_ids(found.number))
            counted["id"] += ids
            counted["account"] += not ids and is_card(found)
        else:
            counted[found.kind] += 1
    if counted.total():
        yield Finding("personal.found", path, {kind: counted[kind] for kind in ("id", "account", "phone")})


def is_card(found: Found) -> bool:
    """Whether an account-like number is a bank card's: 16 to 19 digits, an issuer's first digit, the Luhn check digit."""
    digits = found.number
    return digits.isdigit() and len(digits) in _CARD_LENGTHS and bool(_CARD.match(digits)) and _luhn(digits)


def _luhn(digits: str) -> bool:
    """ISO/IEC 7812-1, annex B."""
    doubled = (int(one) * (1 + place % 2) for place, one in enumerate(reversed(digits)))
    return sum(value - 9 if value > 9 else value for value in doubled) % 10 == 0
