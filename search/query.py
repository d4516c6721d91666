"""What a person typed, as a query. Pure: no engine, no database.

Words are ANDed; quotes (ASCII, “”, 「」, 『』) make a phrase; ``*`` alone finds everything. Chinese and full-width
punctuation separates words as blanks do; brackets, hyphens and dots stay inside a word, so that 民发〔2021〕57号 is
one. A personal number becomes its keyed hash; ``尾号1234`` or ``last4:1234`` finds numbers that end so. Whatever
cannot be meant is ``Invalid`` with a hint; nothing that can be typed raises anything else.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from metadata.errors import Invalid
from metadata.household import check_household_no
from search import analysis, numbers
from search.analysis import BREAK

LONGEST = 500
MOST_WORDS = 32
_LONGEST_NAME = 12
_LAST = 4

_EVERYTHING = frozenset("*＊")
_QUOTES = {'"': '"', "“": "”", "”": "“", "「": "」", "『": "』", "＂": "＂", "„": "“", "﹁": "﹂", "﹃": "﹄"}
_CLOSERS = frozenset("」』﹂﹄")
_SEPARATORS = re.compile(r"[\s，、；。！？,;!?\x00]+")
_LAST_FOUR = re.compile(r"(?:尾号|后四位|末四位|last4)[:：]?\s*([0-9]{3}[0-9x])(?![0-9a-z])")
_LOOKS_LIKE_LAST_FOUR = re.compile(r"[0-9]{3}x\Z")
_WILDCARD = re.compile(r"(?:[0-9a-z][*?]|[*][0-9a-z])")


@dataclass(frozen=True, slots=True)
class Word:
    """One condition of a query: a record meets it by ``elements`` or by any of ``terms``.

    ``elements``: this run of elements stands in title or text. ``terms``: one of these exact terms (household number,
    document number, hashed number) belongs to it. ``favours``: an exact name that, where it belongs to the record as
    such, lifts it above records that only hold the same characters. ``number``: the personal number behind a hashed
    term, or its last four characters; for highlighting only, never logged or stored, and ``repr`` leaves it out.
    """

    elements: tuple[str, ...] = ()
    terms: tuple[str, ...] = ()
    favours: tuple[str, ...] = ()
    number: str | None = field(default=None, repr=False)

    def matches(self, number: str) -> bool:
        """Whether a personal number found in a text is the one meant."""
        if self.number is None:
            return False
        return number == self.number or (len(self.number) == _LAST and number.endswith(self.number))


@dataclass(frozen=True, slots=True)
class Query:
    """All ``words`` must be met; none means everything."""

    words: tuple[Word, ...] = ()

    @property
    def everything(self) -> bool:
        """Whether every record meets it."""
        return not self.words


def name_term(name: str) -> str:
    """The exact term of a person's name."""
    return "n:" + analysis.key_of(name)


def household_term(household_no: str) -> str:
    """The exact term of a household number."""
    return "h:" + household_no.strip().upper()


def document_term(number: str) -> str:
    """The exact term of a document number or archival code, whatever brackets and dashes it is written with."""
    return "d:" + analysis.key_of(number)


def parse(text: str, blind: numbers.Blind) -> Query:
    """Read ``text``; ``Invalid`` with a hint when it is empty, too long, has an open quote or a wildcard in a word."""
    if len(text) > LONGEST:
        raise Invalid(
            "search.too_long",
            zh=f"检索词过长（最多 {LONGEST} 字）。请只输入最有特征的几个词。",
            en=f"The query is too long (at most {LONGEST} characters). Enter only a few telling words.",
        )
    if text.strip() in _EVERYTHING:
        return Query()
    words: list[Word] = []
    for chunk, quoted in _chunks(text):
        words += _phrase(chunk, blind) if quoted else _loose_words(chunk, blind)
    words = list(dict.fromkeys(words))
    if not words:
        raise Invalid(
            "search.empty",
            zh="请输入至少一个字或一个词；只输入 * 可列出全部。",
            en="Enter at least one character or word; * alone lists everything.",
        )
    if len(words) > MOST_WORDS:
        raise Invalid(
            "search.too_many_words",
            zh=f"检索词过多（最多 {MOST_WORDS} 个）。请减少几个词，或用引号把整句作为短语检索。",
            en=f"Too many words (at most {MOST_WORDS}). Use fewer, or put the whole sentence into quotes.",
        )
    return Query(tuple(words))


def _chunks(text: str) -> list[tuple[str, bool]]:
    """Pieces between and inside quotes: text, whether quoted."""
    pieces: list[tuple[str, bool]] = []
    begin, closer = 0, ""
    for place, one in enumerate(text):
        if closer:
            if one == closer or (closer in "“”" and one in "“”"):
                pieces.append((text[begin:place], True))
                begin, closer = place + 1, ""
        elif one in _QUOTES:
            pieces.append((text[begin:place], False))
            begin, closer = place + 1, _QUOTES[one]
        elif one in _CLOSERS:
            raise _open_quote()
    if closer:
        raise _open_quote()
    return [*pieces, (text[begin:], False)]


def _open_quote() -> Invalid:
    return Invalid(
        "search.open_quote",
        zh="引号没有成对。请补上另一半引号，或去掉引号。",
        en="A quote has no partner. Add the other quote, or remove it.",
    )


def _phrase(chunk: str, blind: numbers.Blind) -> list[Word]:
    """A quoted piece: one phrase; personal numbers in it become conditions of their own."""
    rest, hidden = numbers.hide(analysis.fold(chunk), "\x00")
    words = [_number(one, blind) for one in hidden]
    for part in rest.split("\x00") if hidden else [rest]:
        words += _word(part, blind)
    return words


def _loose_words(chunk: str, blind: numbers.Blind) -> list[Word]:
    folded = analysis.fold(chunk)
    words: list[Word] = []

    def last_four(match: re.Match[str]) -> str:
        four = match.group(1).upper()
        words.append(Word(terms=(numbers.last_four_term(four, blind),), number=four))
        return " "

    rest, hidden = numbers.hide(_LAST_FOUR.sub(last_four, folded), "\x00")
    words += [_number(one, blind) for one in hidden]
    for part in _SEPARATORS.split(rest):
        if _WILDCARD.search(part):
            raise Invalid(
                "search.wildcard",
                zh="不支持在词中使用 * 或 ? 通配符。汉字可直接输入其中连续的几个字；只输入 * 可列出全部。",
                en="Wildcards inside a word are not supported. Enter the word whole; * alone lists everything.",
            )
        words += _word(part, blind)
    return words


def _number(number: str, blind: numbers.Blind) -> Word:
    return Word(terms=(numbers.exact_term(number, blind),), number=number)


def _word(folded: str, blind: numbers.Blind) -> list[Word]:
    """One word or phrase, with the exact terms that it may also be; nothing when it holds only punctuation."""
    run = analysis.elements(folded)
    if run and run[0] == BREAK:
        run = run[1:]
    if not run:
        return []
    key = "".join(one.strip("_") for one in run if one != BREAK)
    terms: list[str] = []
    favours: list[str] = []
    if any(one.isdigit() for one in key):
        terms.append("d:" + key)
        if _LOOKS_LIKE_LAST_FOUR.match(key):
            terms.append(numbers.last_four_term(key, blind))
        household = _household(key)
        if household:
            terms.append(household)
    elif 2 <= len(key) <= _LONGEST_NAME and not any(one.startswith("_") for one in run):
        favours.append("n:" + key)
    return [Word(tuple(run), tuple(terms), tuple(favours))]


def _household(key: str) -> str | None:
    try:
        return household_term(check_household_no(key))
    except Invalid:
        return None
