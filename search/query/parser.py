"""Tokens read as conditions: a parser by descent, with limits on length, number of conditions and nesting.

either  := all (OR all)*
all     := single ((AND)? single)*
single  := NOT single | "(" either ")" | FIELD value | PHRASE | WORD | NUMBER
value   := "(" either ")" | PHRASE | WORD | NUMBER           (bare words inside belong to the field)
"""

from __future__ import annotations

import re
from collections.abc import Callable

from metadata.errors import Invalid
from metadata.household import check_household_no
from search import analysis, numbers, pinyin
from search.analysis import BREAK
from search.query import hints
from search.query.fields import Names, attribute
from search.query.lexer import JOINING, Kind, Token, tokens
from search.query.model import (
    Node,
    Not,
    Prefix,
    Query,
    Where,
    Word,
    all_of,
    document_term,
    either_of,
    household_ending,
    household_term,
    name_term,
    pinyin_term,
)

LONGEST = 500
MOST_WORDS = 32
DEEPEST = 8

_LONGEST_NAME = 12
_MOST_SYLLABLES = 6
_EVERYTHING = frozenset("*＊")
_LAST_FOUR = re.compile(r"(?:尾号|后四位|末四位|last4)([0-9]{3}[0-9x])\Z")
_FOUR = re.compile(r"[0-9]{3}[0-9x]\Z")
_LOOKS_LIKE_LAST_FOUR = re.compile(r"[0-9]{3}x\Z")
_NUMBER = re.compile(r"[0-9]{5,19}x?\Z")
_WILD = re.compile(r"[*?]")
_PREFIX = re.compile(r"([0-9a-z]{2,})\*\Z")
_CODE_PREFIX = re.compile(r"([^*?]{2,})\*\Z")
_AFTER_HAN = re.compile(rf"(?<=[{analysis.HAN}])\*+\Z")
_PART_OF_HOUSEHOLD = re.compile(r"[0-9]{3,18}[0-9x]?\Z")


def parse(text: str, blind: numbers.Blind, names: Names | None = None, *, personal: bool = True) -> Query:
    """The query that ``text`` means; ``Invalid`` with a hint when it can mean none.

    ``names`` resolves names of types, organs and places. ``personal``: whether the person may look for ID, bank and
    telephone numbers; ``Forbidden`` when not and the query has one.
    """
    if len(text) > LONGEST:
        raise hints.too_long(LONGEST)
    if text.strip() in _EVERYTHING:
        return Query()
    found = tokens(text)
    if not any(one.kind not in JOINING for one in found):
        raise hints.operator(found[0].place) if found else hints.empty()
    parser = _Parser(found, blind, names or Names(), personal=personal)
    root = parser.whole()
    if root is None and not parser.everything:
        raise hints.empty()
    return Query(root)


class _Parser:
    def __init__(self, found: list[Token], blind: numbers.Blind, names: Names, *, personal: bool) -> None:
        self._tokens = found
        self._at = 0
        self._blind = blind
        self._names = names
        self._personal = personal
        self._depth = 0
        self._leaves = 0
        self.everything = False

    # --- structure ----------------------------------------------------------------------------------------------------

    def whole(self) -> Node | None:
        """The whole query; ``None`` when nothing of it can be looked for."""
        root = self._either(None)
        left = self._peek()
        if left is not None:
            raise hints.bracket(left.place)
        return root

    def _peek(self) -> Token | None:
        return self._tokens[self._at] if self._at < len(self._tokens) else None

    def _next(self) -> Token:
        token = self._tokens[self._at]
        self._at += 1
        return token

    def _either(self, field: str | None) -> Node | None:
        options = [self._all(field)]
        while (token := self._peek()) is not None and token.kind is Kind.OR:
            self._next()
            self._must_follow(token)
            options.append(self._all(field))
        kept = [one for one in options if one is not None]
        return either_of(kept) if len(kept) == len(options) else None  # one option is everything: so is the whole

    def _must_follow(self, operator: Token) -> None:
        after = self._peek()
        if after is None or after.kind in JOINING or after.kind is Kind.CLOSE:
            raise hints.operator(operator.place)

    def _all(self, field: str | None) -> Node | None:
        parts: list[Node] = []
        spoken: list[str] = []  # Latin words that follow each other: perhaps the syllables of one name
        while (token := self._peek()) is not None and token.kind not in {Kind.OR, Kind.CLOSE}:
            if token.kind is Kind.AND:
                if not self._at or self._tokens[self._at - 1].kind in {Kind.OPEN, Kind.OR, Kind.AND, Kind.NOT}:
                    raise hints.operator(token.place)
                self._next()
                self._must_follow(token)
                _join(parts, spoken)
                continue
            node = self._single(field)
            if node is None:
                continue
            letters = pinyin.typed(token.text) if token.kind is Kind.WORD and field is None else None
            if letters is None:
                _join(parts, spoken)
            else:
                spoken.append(letters)
            parts.append(node)
        _join(parts, spoken)
        if token is not None and token.kind is Kind.OR and not parts and self._dangling():
            raise hints.operator(token.place)
        return all_of(parts) if parts else None

    def _dangling(self) -> bool:
        return not self._at or self._tokens[self._at - 1].kind in {Kind.OPEN, Kind.OR, Kind.NOT, Kind.AND}

    def _single(self, field: str | None) -> Node | None:
        token = self._next()
        if token.kind is Kind.NOT:
            self._must_follow(token)
            denied = self._nested(lambda: self._single(field))
            if denied is None:
                raise hints.operator(token.place)
            return Not(denied)
        if token.kind is Kind.OPEN:
            return self._group(token, field)
        if token.kind is Kind.FIELD:
            return self._field_value(token)
        self._leaves += 1
        if self._leaves > MOST_WORDS:
            raise hints.too_many_words(MOST_WORDS)
        if field is not None:
            return self._in_field(field, token)
        if token.kind is Kind.NUMBER:
            return self._number(token.text)
        return self._phrase(token.text) if token.kind is Kind.PHRASE else self._word(token)

    def _nested(self, read: Callable[[], Node | None]) -> Node | None:
        self._depth += 1
        if self._depth > DEEPEST:
            raise hints.too_deep(DEEPEST)
        try:
            return read()
        finally:
            self._depth -= 1

    def _group(self, opened: Token, field: str | None) -> Node | None:
        after = self._peek()
        if after is None or after.kind is Kind.CLOSE:
            raise hints.bracket(opened.place)
        inner = self._nested(lambda: self._either(field))
        closed = self._peek()
        if closed is None or closed.kind is not Kind.CLOSE:
            raise hints.bracket(opened.place)
        self._next()
        return inner

    def _field_value(self, name: Token) -> Node | None:
        after = self._peek()
        if after is None or after.kind not in {Kind.OPEN, Kind.PHRASE, Kind.WORD, Kind.NUMBER}:
            raise hints.field_without_value(name.place)
        found = self._single(name.text)
        if found is None:
            raise hints.field_without_value(name.place)
        return found

    # --- words without a field ----------------------------------------------------------------------------------------

    def _phrase(self, text: str) -> Node | None:
        """A quoted piece: one phrase; personal numbers in it become conditions of their own."""
        rest, hidden = numbers.hide(text, "\x00")
        parts: list[Node] = [self._number(one) for one in hidden]
        for part in rest.split("\x00") if hidden else [rest]:
            word = self._plain(part)
            if word is not None:
                parts.append(word)
        return all_of(parts) if parts else None

    def _word(self, token: Token) -> Node | None:
        last_four = _LAST_FOUR.match(token.text)
        if last_four:
            return self._last_four(last_four.group(1))
        text = _AFTER_HAN.sub("", token.text)  # 张* says no more than 张
        if text == "*":
            self.everything = True
            return None
        prefix = _PREFIX.match(text)
        if prefix:
            return Prefix(f"_{prefix.group(1)}")
        wild = _WILD.search(text)
        if wild:
            raise hints.wildcard(token.place + wild.start())
        return self._plain(text)

    def _number(self, number: str) -> Word:
        self._allowed()
        return Word(terms=(numbers.exact_term(number, self._blind),), number=number)

    def _last_four(self, four: str) -> Word:
        self._allowed()
        return Word(terms=(numbers.last_four_term(four, self._blind),), number=four.upper())

    def _allowed(self) -> None:
        if not self._personal:
            raise hints.numbers_forbidden()

    def _plain(self, folded: str, where: Where = "any") -> Word | None:
        """One word or phrase, with the exact terms that it may also be; nothing when it holds only punctuation."""
        run = _run(folded)
        if not run:
            return None
        if where != "any":
            return Word(run, where=where)
        key = _key(run)
        terms: list[str] = []
        favours: list[str] = []
        letters = pinyin.typed(folded.strip())
        if letters is not None:
            terms.append(pinyin_term(letters))
        elif any(one.isdigit() for one in key):
            terms.append("d:" + key)
            if self._personal and _LOOKS_LIKE_LAST_FOUR.match(key):
                terms.append(numbers.last_four_term(key, self._blind))
            household = _household(key)
            if household:
                terms.append(household)
        elif 2 <= len(key) <= _LONGEST_NAME and not any(one.startswith("_") for one in run):
            favours.append("n:" + key)
        return Word(run, tuple(terms), tuple(favours))

    # --- words of a field ---------------------------------------------------------------------------------------------

    def _in_field(self, field: str, token: Token) -> Node:
        text = token.text
        if field in {"title", "file"}:
            found: Node | None = self._plain(text, "title" if field == "title" else "file")
        elif field == "name":
            found = _named(text)
        elif field == "household":
            found = _household_part(token)
        elif field == "code":
            found = _coded(text)
        elif field in {"number", "ending"}:
            found = self._personal_number(field, text)
        else:
            found = attribute(field, text, token.place, self._names)
        if found is None:
            raise hints.field_without_value(token.place)
        return found

    def _personal_number(self, field: str, text: str) -> Node | None:
        plain = re.sub(r"[\s-]", "", text).lower()
        if field == "ending" or _FOUR.match(plain):
            return self._last_four(plain) if _FOUR.match(plain) else None
        return self._number(plain.upper()) if _NUMBER.match(plain) else None


def _join(parts: list[Node], spoken: list[str]) -> None:
    """Latin words that follow each other are also one name's pinyin: ``zhang wei`` finds 张伟."""
    count = len(spoken)
    if 2 <= count <= _MOST_SYLLABLES:
        name = Word(terms=(pinyin_term("".join(spoken)),))
        parts[-count:] = [either_of([all_of(parts[-count:]), name])]
    spoken.clear()


def _run(folded: str) -> tuple[str, ...]:
    run = analysis.elements(folded)
    return tuple(run[1:] if run and run[0] == BREAK else run)


def _key(run: tuple[str, ...]) -> str:
    return "".join(one.strip("_") for one in run if one != BREAK)


def _household(key: str) -> str | None:
    try:
        return household_term(check_household_no(key))
    except Invalid:
        return None


def _named(text: str) -> Node | None:
    """A name as such: whoever bears it, in Han characters or by its pinyin; a mere mention does not count."""
    letters = pinyin.typed(text.replace(" ", ""))
    if letters is not None:
        return Word(terms=(pinyin_term(letters),), where="name")
    run = _run(_AFTER_HAN.sub("", text))
    return Word(run, (name_term(text),), where="name") if run else None


def _household_part(token: Token) -> Node | None:
    """A household number, or its beginning (division and serial) or end."""
    text = re.sub(r"[\s-]", "", token.text).rstrip("*")
    if not _PART_OF_HOUSEHOLD.match(text):
        return None
    whole = _household(text)
    if whole:
        return Word(terms=(whole,))
    begins: Node = Prefix(household_term(text), "terms")
    if token.text.endswith("*"):
        return begins
    return either_of([begins, Prefix(household_ending(text), "terms")])


def _coded(text: str) -> Node | None:
    """An archival code or document number, or its beginning with ``*``."""
    prefix = _CODE_PREFIX.match(text)
    key = document_term(prefix.group(1) if prefix else text)
    if key == "d:":
        return None
    return Prefix(key, "terms") if prefix else Word(_run(text), (key,))
