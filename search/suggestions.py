""" "Did you mean": words of the holdings for a query that found nothing, none of which the person could not find."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from metadata.errors import Invalid
from search import analysis, vocabulary
from search.engines.base import Engine, PermissionFilter
from search.numbers import Blind
from search.query import Names, Query, Word, parse

MOST = 3
_CANDIDATES = 12
_SHORTEST = 2


def suggestions(
    engine: Engine, text: str, query: Query, permission: PermissionFilter, *, blind: Blind, names: Names
) -> list[str]:
    """Up to ``MOST`` queries that differ from ``text`` by one word and find something under ``permission``."""
    found: dict[str, None] = {}
    for word in query.words:
        for candidate in _candidates(engine, word, permission, names):
            other = _replaced(text, word, candidate)
            if other is None or other in found:
                continue
            if _finds(engine, other, permission, blind, names):
                found[other] = None
            if len(found) >= MOST:
                return list(found)
    return list(found)


def _candidates(engine: Engine, word: Word, permission: PermissionFilter, names: Names) -> Iterator[str]:
    """Words like this one: of the holdings, most frequent first, then of the profile; each in one spelling."""
    asked = "".join(word.elements)
    if len(asked) < _SHORTEST or len(asked) > vocabulary.LONGEST:
        return
    prefixes = vocabulary.prefixes(asked)
    if not prefixes:
        return
    held = (vocabulary.word_of(key) for key, _ in engine.words(prefixes, permission, limit=_CANDIDATES * 4))
    known = (name for coded in (*names.types, *names.programmes) for name in coded.words if _alike(prefixes, name))
    seen = {asked}
    for candidate in _first(_CANDIDATES, (*held, *known)):
        folded = analysis.fold(candidate)
        if folded not in seen:
            seen.add(folded)
            yield candidate


def _first(count: int, words: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(words))[:count]


def _alike(prefixes: list[str], name: str) -> bool:
    keys = vocabulary.keys(name)
    return any(key.startswith(prefix) for prefix in prefixes for key in keys)


def _replaced(text: str, word: Word, candidate: str) -> str | None:
    """``text`` with the word, however it is spelt there, replaced."""
    place = analysis.pattern_of(word.elements).search(analysis.fold(text))
    return None if place is None else f"{text[: place.start()]}{candidate}{text[place.end() :]}"


def _finds(engine: Engine, text: str, permission: PermissionFilter, blind: Blind, names: Names) -> bool:
    try:
        query = parse(text, blind, names)
    except Invalid:
        return False
    return engine.search(query, permission, limit=0).total > 0
