"""Comparing a block's lines with the leaf digests that its signed header names, to say what was done to them."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence

from repository.ledger import merkle
from repository.ledger.problems import Problem, problem


def _id_in(line: bytes) -> str | None:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return None
    found = value.get("id") if isinstance(value, dict) else None
    return found if isinstance(found, str) else None


def first_difference(
    sealed: Sequence[str], lines: Sequence[bytes], *, stream: str, number: int, key: str
) -> Problem | None:
    """The first altered, removed, inserted or reordered entry, or nothing when all is as sealed.

    ``sealed``: leaf digests (hex) from a header whose signature is good. Counting digests on both sides tells an
    inserted copy of a line from lines that merely changed places.
    """
    found = [merkle.leaf(line).hex() for line in lines]
    at = next((i for i, (a, b) in enumerate(zip(sealed, found, strict=False)) if a != b), min(len(sealed), len(found)))
    if at == len(sealed) == len(found):
        return None
    spare = Counter(found)
    spare.subtract(sealed)  # above zero: more often than sealed; below zero: lost
    extra = at < len(found) and spare[found[at]] > 0
    lost = at < len(sealed) and spare[sealed[at]] < 0
    if at == len(sealed) or (extra and not lost):
        code = "ledger.entry_inserted"
    elif at == len(found) or (lost and not extra):
        code = "ledger.entry_removed"
    elif lost and extra:
        code = _altered_or_shifted(sealed, found, at)
    else:
        code = "ledger.entry_reordered"
    return problem(
        code,
        stream=stream,
        block=number,
        entry=at + 1,
        entry_id=_id_in(lines[at]) if at < len(lines) and code != "ledger.entry_removed" else None,
        key=key,
        leaf=sealed[at][:16] + "…" if at < len(sealed) else "-",
    )


def _altered_or_shifted(sealed: Sequence[str], found: Sequence[str], at: int) -> str:
    """One sealed line is gone where a foreign one stands: altered in place, or an insertion beside a removal."""
    if at + 1 < len(found) and found[at + 1] == sealed[at]:
        return "ledger.entry_inserted"
    return "ledger.entry_altered"
