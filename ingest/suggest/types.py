"""Which type of document a paper is: by its name, its folder, its first page and its place among its neighbours.

Every ground is scored by itself; grounds that agree strengthen each other, grounds that differ make the guess unsure.
Confidence is meant as a share: of guesses with 0.9 nine in ten or more shall be right (measured in the tests).
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from ingest.suggest.numbers import joined
from metadata.profile import Profile
from metadata.recognition import Recognition
from search.analysis import fold

VERY_LIKELY = 0.9
LIKELY = 0.6
_CODE = re.compile(r"(?<![A-Za-z0-9])([A-Za-z]{3}[0-9]{2})(?![A-Za-z0-9])")
_NOT_WORD = re.compile(r"[\W_]+")
_COLLECTION = re.compile("材料|资料|等|汇编|合集|全套")
_FULL, _NAME, _WORD = 3, 2, 1
_IN_NAME = {_FULL: 0.96, _NAME: 0.92, _WORD: 0.62}
_IN_HEADING = {_FULL: 0.94, _NAME: 0.85, _WORD: 0.4}
_IN_BODY = {_FULL: 0.5, _NAME: 0.35, _WORD: 0.3}
_HEADING = 40
"""Letters and characters within which a heading begins (a letterhead and a number may stand above it)."""


@dataclass(slots=True)
class Evidence:
    """What speaks for the types of one record: code -> (basis, confidence)."""

    grounds: dict[str, list[tuple[str, float]]] = field(default_factory=lambda: defaultdict(list))

    def add(self, code: str, basis: str, sure: float) -> None:
        """One more ground; of one basis only the strongest counts."""
        mine = self.grounds[code]
        for place, (known, confidence) in enumerate(mine):
            if known == basis:
                mine[place] = (basis, max(confidence, sure))
                return
        mine.append((basis, sure))


@dataclass(frozen=True, slots=True)
class _Hit:
    start: int
    end: int
    code: str
    rank: int


class Recogniser:
    """The recognition words of a profile, folded and ready to be found."""

    def __init__(self, profile: Profile, words: Recognition) -> None:
        self._profile = profile
        self._phrases: dict[str, tuple[str, int]] = {}
        for rank, phrases in ((_WORD, words.words), (_NAME, words.names), (_FULL, words.full)):
            self._phrases.update({plain(phrase): (code, rank) for phrase, code in phrases.items()})
        self._lengths: dict[str, list[int]] = {}
        for phrase in sorted(self._phrases, key=len, reverse=True):
            known = self._lengths.setdefault(phrase[:2], [])
            if len(phrase) not in known:
                known.append(len(phrase))

    def _hits(self, text: str, until: int | None = None) -> list[_Hit]:
        """Phrases in plain text that begin before ``until``, none inside a longer one."""
        hits: list[_Hit] = []
        for start in range(min(len(text), until if until is not None else len(text))):
            for length in self._lengths.get(text[start : start + 2], ()):
                known = self._phrases.get(text[start : start + length])
                if known is not None and start + length <= len(text):
                    end = start + length
                    if not any(one.start <= start and end <= one.end for one in hits):
                        hits = [one for one in hits if not (start <= one.start and one.end <= end)]
                        hits.append(_Hit(start, end, *known))
                    break
        return hits

    def by_name(self, name: str, basis: str, evidence: Evidence, share: float = 1.0) -> None:
        """Grounds out of the name of a file or folder; ``share`` lowers what a farther folder says."""
        for match in _CODE.finditer(name):
            if match.group(1).upper() in self._profile.document_types:
                evidence.add(match.group(1).upper(), basis, 0.98 * share)
                return
        text = plain(name)
        hits = _unlike(self._hits(text))
        if not hits:
            return
        if _COLLECTION.search(text[hits[-1].end :]) and basis == "folder":
            share *= 0.6
        several = len({one.code for one in hits if one.rank > _WORD}) > 1
        best = max(hits, key=lambda one: (one.rank, one.end - one.start))
        evidence.add(best.code, basis, _IN_NAME[best.rank] * share * (0.55 if several else 1.0))

    def by_text(self, text: str, evidence: Evidence) -> None:
        """Grounds out of the first page: the heading counts, what is mentioned further down hints."""
        text = plain(text)
        heads = [one for one in self._hits(text, _HEADING) if one.rank > _WORD]
        head = min(heads, key=lambda one: one.start, default=None)
        if head is not None:
            evidence.add(head.code, "text", _IN_HEADING[head.rank])
            return
        mentioned: dict[str, list[tuple[str, float]]] = defaultdict(list)
        for one in {(hit.code, hit.rank, hit.end - hit.start) for hit in self._hits(text)}:
            mentioned[one[0]].append(("text", _IN_BODY[one[1]]))
        for code, grounds in mentioned.items():
            evidence.add(code, "text", min(0.8, joined(grounds)))


def plain(text: str) -> str:
    """``text`` folded and without anything but letters, digits and Han characters."""
    return _NOT_WORD.sub("", fold(unicodedata.normalize("NFC", text)))


def _unlike(hits: Sequence[_Hit]) -> list[_Hit]:
    """``hits`` from left to right; where two overlap the longer stays."""
    kept: list[_Hit] = []
    for one in sorted(hits, key=lambda hit: (hit.start - hit.end, -hit.rank, hit.start)):
        if all(one.end <= other.start or other.end <= one.start for other in kept):
            kept.append(one)
    return sorted(kept, key=lambda hit: hit.start)


def guess(evidence: Evidence) -> dict[str, Any] | None:
    """The likeliest type with confidence and basis, and up to two others that were thought of."""
    ranked = sorted(
        ((joined(grounds), code, grounds) for code, grounds in evidence.grounds.items()),
        key=lambda one: (-one[0], one[1]),
    )
    if not ranked:
        return None
    sure, code, grounds = ranked[0]
    if len(ranked) > 1:
        sure *= 1 - 0.5 * ranked[1][0]
    return {
        "value": code,
        "confidence": round(sure, 2),
        "basis": [basis for basis, _ in grounds],
        "others": [
            {"value": other, "confidence": round(one * (1 - 0.5 * ranked[0][0]), 2)} for one, other, _ in ranked[1:3]
        ],
    }


def by_neighbours(
    order: dict[str, int], guesses: Sequence[dict[str, Any] | None], folders: Sequence[str]
) -> Iterable[tuple[int, dict[str, Any]]]:
    """Guesses for records that say nothing themselves, from the records before and after them in one folder.

    Between two of one type it is that type; between two neighbours in the order of the file (卷内排列) with exactly one
    type in between, that one. ``order``: place in the file by code.
    """
    by_place = {place: code for code, place in order.items() if place}
    for number in range(1, len(guesses) - 1):
        before, after = guesses[number - 1], guesses[number + 1]
        same_folder = folders[number - 1] == folders[number] == folders[number + 1]
        if guesses[number] is not None or before is None or after is None or not same_folder:
            continue
        if min(before["confidence"], after["confidence"]) < LIKELY:
            continue
        first, last = before["value"], after["value"]
        if first == last:
            yield number, {"value": first, "confidence": 0.5, "basis": ["neighbours"], "others": []}
        elif order.get(last, 0) - order.get(first, 0) == 2:
            between = by_place[order[first] + 1]
            yield number, {"value": between, "confidence": 0.4, "basis": ["neighbours"], "others": []}


def settled_folders(named: Iterable[tuple[str, str]]) -> Counter[str]:
    """How many types the files of each folder name by themselves: one that holds several names none."""
    kinds: dict[str, set[str]] = defaultdict(set)
    for folder, code in named:
        kinds[folder].add(code)
    return Counter({folder: len(codes) for folder, codes in kinds.items()})
