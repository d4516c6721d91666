"""Where a query's words stand in a text, and a short piece of the text around them, in the original's own spelling.

Pure. The index keeps no text, so places are found here, in the text of the derivatives; folding keeps places, so what
is marked is what stands in the document, traditional or simplified.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from search import analysis, numbers
from search.query import Query, Word

Range = tuple[int, int]
"""Begin and end of a place in a text."""

_LEAD = 24
_MOST = 200
_WHITE = re.compile(r"[\s\x00-\x1f]")
_SENTENCE_END = re.compile(r"[。！？；]\s*|\n\s*\n")


_Sought = tuple[Word, re.Pattern[str] | None]


class Finder:
    """The words of one query, ready to be looked for in many texts."""

    def __init__(self, query: Query) -> None:
        self._words: list[_Sought] = [
            (word, analysis.pattern_of(word.elements) if word.elements else None)
            for word in query.words
            if word.elements or word.number
        ]
        begun = [one.begins for one in query.prefixes if one.of == "units"]
        self._words += [(Word(elements=(begins,)), analysis.pattern_of_prefix(begins)) for begins in begun]

    def also(self, names: Iterable[str]) -> Finder:
        """This finder, marking these names too: they were found by their pinyin."""
        wider = Finder(Query())
        wider._words = [*self._words]
        for name in names:
            run = tuple(analysis.elements(analysis.fold(name)))
            if run:
                wider._words.append((Word(elements=run), analysis.pattern_of(run)))
        return wider

    @property
    def words(self) -> int:
        """How many words there are."""
        return len(self._words)

    def met(self, folded: str) -> int:
        """How many of the words stand in folded text."""
        return sum(next(_places(word, pattern, folded), None) is not None for word, pattern in self._words)

    def ranges(self, folded: str) -> list[Range]:
        """Every place, in order, overlapping ones joined; at most the first 200 of each word."""
        found = [place for word, pattern in self._words for place in islice(_places(word, pattern, folded), _MOST)]
        joined: list[Range] = []
        for begin, end in sorted(found):
            if joined and begin <= joined[-1][1]:
                joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
            else:
                joined.append((begin, end))
        return joined


def _places(word: Word, pattern: re.Pattern[str] | None, folded: str) -> Iterator[Range]:
    if pattern is not None:
        for match in pattern.finditer(folded):
            yield match.span()
    elif word.terms:
        for one in numbers.find(folded):
            if word.matches(one.number):
                yield one.start, one.end


@dataclass(frozen=True, slots=True)
class Snippet:
    """A piece of a text as it is spelt there, with the places to mark in it."""

    text: str
    ranges: tuple[Range, ...]


def snippet(text: str, ranges: Sequence[Range], width: int = 120) -> Snippet:
    """About ``width`` characters around the first of ``ranges`` (the beginning when there are none).

    ``text`` is what the person may see: masked already. White space becomes single blanks in place, so places hold.
    """
    first = ranges[0][0] if ranges else 0
    begin = max(0, first - _LEAD)
    ends = [match.end() for match in _SENTENCE_END.finditer(text, begin, first)]
    if ends:
        begin = ends[-1]
    end = min(len(text), max(begin + width, ranges[0][1] if ranges else 0))
    piece = _WHITE.sub(" ", text[begin:end])
    lead = len(piece) - len(piece.lstrip())
    before = "…" if begin > 0 else ""
    shift = len(before) - begin - lead
    piece = piece.strip()
    last = len(before) + len(piece)
    placed = [(max(start + shift, len(before)), min(stop + shift, last)) for start, stop in ranges if start < end]
    shown = f"{before}{piece}{'…' if end < len(text) else ''}"
    return Snippet(shown, tuple(one for one in placed if one[0] < one[1]))


def parts(text: str, ranges: Sequence[Range]) -> list[tuple[bool, str]]:
    """``text`` cut at ``ranges``: whether marked, and the words; for a page to show."""
    cut: list[tuple[bool, str]] = []
    place = 0
    for begin, end in ranges:
        if begin > place:
            cut.append((False, text[place:begin]))
        cut.append((True, text[begin:end]))
        place = end
    if place < len(text):
        cut.append((False, text[place:]))
    return cut
