"""A query as engines get it: a tree of conditions, and the exact terms that conditions and entries share. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from search import analysis, pinyin

Where = Literal["any", "title", "file", "name"]
"""Where the elements of a word must stand: title or text, title alone, names of files, nowhere (``terms`` decide)."""

_LAST = 4


@dataclass(frozen=True, slots=True)
class Word:
    """A word, phrase, name or number: met by ``elements`` or by any of ``terms``.

    ``elements``: this run of elements stands in ``where``. ``terms``: one of these exact terms (household number,
    document number, name, pinyin, hashed number) belongs to the entry. ``favours``: an exact name that, where it
    belongs to the entry as such, lifts it above those that only hold the same characters. ``number``: the personal
    number behind a hashed term, or its last four characters; for highlighting only, never logged or stored, and
    ``repr`` leaves it out.
    """

    elements: tuple[str, ...] = ()
    terms: tuple[str, ...] = ()
    favours: tuple[str, ...] = ()
    number: str | None = field(default=None, repr=False)
    where: Where = "any"

    def matches(self, number: str) -> bool:
        """Whether a personal number found in a text is the one meant."""
        if self.number is None:
            return False
        return number == self.number or (len(self.number) == _LAST and number.endswith(self.number))


@dataclass(frozen=True, slots=True)
class Prefix:
    """Words (``units``: elements of title and text) or exact terms (``terms``) that begin with ``begins``."""

    begins: str
    of: Literal["units", "terms"] = "units"


@dataclass(frozen=True, slots=True)
class Value:
    """An attribute of the entry is one of ``values``; ``division`` is met by every division below a prefix."""

    attribute: Literal["kind", "programme", "organ", "year", "type", "level", "format", "division"]
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Between:
    """``year``, or ``day`` as the proleptic Gregorian ordinal, from ``lower`` to ``upper``, both included."""

    attribute: Literal["year", "day"]
    lower: int | None
    upper: int | None


@dataclass(frozen=True, slots=True)
class All:
    """Every part is met."""

    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Either:
    """At least one part is met."""

    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """The part is not met."""

    part: Node


Node = Word | Prefix | Value | Between | All | Either | Not


@dataclass(frozen=True, slots=True)
class Query:
    """``root`` must be met; none means everything."""

    root: Node | None = None

    @property
    def everything(self) -> bool:
        """Whether every entry meets it."""
        return self.root is None

    @property
    def words(self) -> tuple[Word, ...]:
        """The words that speak for a hit, in order, each once: what is highlighted. Denied ones are left out."""
        return tuple(dict.fromkeys(one for one in self.leaves() if isinstance(one, Word)))

    @property
    def prefixes(self) -> tuple[Prefix, ...]:
        """Beginnings of words that speak for a hit."""
        return tuple(dict.fromkeys(one for one in self.leaves() if isinstance(one, Prefix)))

    def leaves(self) -> Iterator[Node]:
        """Conditions that speak for a hit: those under ``Not`` are left out."""
        waiting = [] if self.root is None else [self.root]
        while waiting:
            node = waiting.pop(0)
            if isinstance(node, All | Either):
                waiting[:0] = node.parts
            elif not isinstance(node, Not):
                yield node


def all_of(parts: list[Node]) -> Node:
    """``All`` of several, each once; the one itself when it is alone."""
    kept = tuple(dict.fromkeys(parts))
    return kept[0] if len(kept) == 1 else All(kept)


def either_of(parts: list[Node]) -> Node:
    """``Either`` of several, each once; the one itself when it is alone."""
    kept = tuple(dict.fromkeys(parts))
    return kept[0] if len(kept) == 1 else Either(kept)


def name_term(name: str) -> str:
    """The exact term of a person's name."""
    return "n:" + analysis.key_of(name)


def name_terms(name: str) -> set[str]:
    """What an entry holds of a name: the exact term, its pinyin in full and its initials."""
    return {name_term(name), *(pinyin_term(one) for one in pinyin.keys(name))}


def pinyin_term(letters: str) -> str:
    """The exact term of a name's pinyin, in full or initials."""
    return "p:" + letters


def household_term(household_no: str) -> str:
    """The exact term of a household number."""
    return "h:" + household_no.strip().upper()


def household_ending(household_no: str) -> str:
    """The term by which the end of a household number is found: the number read backwards."""
    return "e:" + household_no.strip().upper()[::-1]


def household_terms(household_no: str) -> set[str]:
    """What an entry holds of a household number: whole, and for its last characters."""
    return {household_term(household_no), household_ending(household_no)}


def document_term(number: str) -> str:
    """The exact term of a document number or archival code, whatever brackets and dashes it is written with."""
    return "d:" + analysis.key_of(number)
