"""Words of the holdings that can be suggested: names and words of titles, kept in the index by what they are mistaken for.

A word is kept under its sound (张伟 and 章伟 sound alike; most wrong characters come from typing by pinyin) and, from
three characters on, under itself and itself with one character left out: two words that differ by one character, too
much, too little or another, share such a key. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from search import analysis, pinyin

LONGEST = 8
"""Characters of a word that is kept."""

_SHORTEST = 2
_SHORTEST_CUT = 3
_SOUNDS = 2
_NAME = re.compile(f"[{analysis.HAN}·•‧・･ \u3000]+\\Z")
_RUN = re.compile(f"[{analysis.HAN}]+")


def words_of_title(title: str) -> Iterable[str]:
    """Runs of Han characters short enough to be a word."""
    return (run for run in _RUN.findall(title) if _SHORTEST <= len(run) <= LONGEST)


def keys(word: str) -> list[str]:
    """What an entry holds of a word; the word as it is spelt stands at the end of each. Nothing for what is not Han."""
    return [f"{key}:{word}" for key in _keys(word)] if _NAME.match(word) else []


def prefixes(word: str) -> list[str]:
    """Under what the words that ``word`` may be a slip of are kept."""
    return [f"{key}:" for key in _keys(word)]


def word_of(key: str) -> str:
    """The word of a key."""
    return key.rpartition(":")[2]


def _keys(word: str) -> list[str]:
    folded = "".join(_RUN.findall(analysis.fold(word)))
    if not _SHORTEST <= len(folded) <= LONGEST:
        return []
    sounds = pinyin.readings(folded)[:_SOUNDS] or tuple(filter(None, [pinyin.sound(folded)]))
    found = [f"s:{one}" for one in sounds]
    if len(folded) >= _SHORTEST_CUT:
        found.append(f"c:{folded}")
        found += [f"c:{folded[:place]}{folded[place + 1 :]}" for place in range(len(folded))]
    return list(dict.fromkeys(found))
