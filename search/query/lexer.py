"""A query cut into tokens. Works on folded text, which keeps every place, so that hints can name the place typed at."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum, auto

from search import analysis, numbers
from search.query import hints
from search.query.fields import ALIASES, FIELDS


class Kind(Enum):
    """What a token is."""

    WORD = auto()
    PHRASE = auto()
    NUMBER = auto()
    FIELD = auto()
    OPEN = auto()
    CLOSE = auto()
    AND = auto()
    OR = auto()
    NOT = auto()


@dataclass(frozen=True, slots=True)
class Token:
    """A token; ``text`` is folded, ``place`` counts characters from 0. A NUMBER's text has only its digits."""

    kind: Kind
    text: str
    place: int


JOINING = frozenset({Kind.AND, Kind.OR})
_OPERAND = frozenset({Kind.WORD, Kind.PHRASE, Kind.NUMBER, Kind.FIELD, Kind.OPEN, Kind.NOT})
_ENDS_OPERAND = frozenset({Kind.WORD, Kind.PHRASE, Kind.NUMBER, Kind.CLOSE})
_QUOTES = {'"': '"', "“": "”", "”": "“", "「": "」", "『": "』", "„": "“", "﹁": "﹂", "﹃": "﹄"}
_CLOSERS = frozenset("」』﹂﹄")
_SEPARATOR = re.compile(r"[\s，、；。！？,;!?\x00]+")
_IN_BRACKETS = re.compile(r"\([^\s()\"“”「」『』，、；。！？,;!?]*\)")
_CAPITALS = {"AND": Kind.AND, "OR": Kind.OR, "NOT": Kind.NOT}
_ALONE = {
    "与": Kind.AND, "且": Kind.AND, "并且": Kind.AND, "或": Kind.OR, "或者": Kind.OR, "非": Kind.NOT, "不含": Kind.NOT,
}  # fmt: skip
_SIGNS = {"&": Kind.AND, "|": Kind.OR}
_LATIN_FIELD = re.compile(r"[a-z][a-z_]{2,19}\Z")


def tokens(text: str) -> list[Token]:
    """The tokens of what was typed; ``Invalid`` for a quote without partner or an unknown field."""
    return _settled(_Lexer(text).run())


class _Lexer:
    def __init__(self, text: str) -> None:
        self._text = text
        self._folded = analysis.fold(text)
        self._numbers = {one.start: one for one in numbers.find(self._folded)}
        self._found: list[Token] = []
        self._place = 0

    def run(self) -> list[Token]:
        """All tokens from left to right."""
        while self._place < len(self._folded):
            self._step()
        return self._found

    def _step(self) -> None:
        place = self._place
        one = self._folded[place]
        separator = _SEPARATOR.match(self._folded, place)
        if separator:
            self._place = separator.end()
        elif one in _QUOTES:
            self._quoted(one)
        elif one in _CLOSERS:
            raise hints.open_quote(place)
        elif place in self._numbers:
            self._add(Kind.NUMBER, self._numbers[place].number, self._numbers[place].end)
        elif one in "()":
            self._add(Kind.OPEN if one == "(" else Kind.CLOSE, one, place + 1)
        elif one in _SIGNS:
            self._add(_SIGNS[one], one, place + (2 if self._folded[place : place + 2] == one * 2 else 1))
        elif one == "-" and self._begins_word() and self._next_is_operand():
            self._add(Kind.NOT, one, place + 1)
        else:
            self._word()

    def _add(self, kind: Kind, text: str, end: int, place: int | None = None) -> None:
        self._found.append(Token(kind, text, self._place if place is None else place))
        self._place = end

    def _begins_word(self) -> bool:
        before = self._folded[self._place - 1 : self._place]
        return not before or before in "(&|:" or bool(_SEPARATOR.match(before))

    def _next_is_operand(self) -> bool:
        after = self._folded[self._place + 1 : self._place + 2]
        return bool(after) and after not in ")&|-" and not _SEPARATOR.match(after)

    def _quoted(self, quote: str) -> None:
        begin = self._place + 1
        closer = _QUOTES[quote]
        for place in range(begin, len(self._folded)):
            one = self._folded[place]
            if one == closer or (closer in "“”" and one in "“”"):
                self._add(Kind.PHRASE, self._folded[begin:place], place + 1)
                return
        raise hints.open_quote(self._place)

    def _word(self) -> None:
        """A word up to a separator, quote, sign or bracket; a bracket closed before any blank belongs to it."""
        begin = place = self._place
        while place < len(self._folded):
            one = self._folded[place]
            if one == "(":
                inner = _IN_BRACKETS.match(self._folded, place)
                if inner is None or place == begin:
                    break
                place = inner.end()
                continue
            if one == ":" and self._field(begin, place):
                return
            if one in ')|"' or one in _QUOTES or one in _CLOSERS or _SEPARATOR.match(one):
                break
            if place > begin and place in self._numbers:
                break
            place += 1
        typed = self._text[begin:place]
        word = self._folded[begin:place]
        self._add(_CAPITALS.get(typed if typed.isascii() else "", _wide(typed)), word, place)

    def _field(self, begin: int, colon: int) -> bool:
        """Take ``name:`` as a field when it is one; whether it is."""
        name = self._folded[begin:colon].strip()
        field = ALIASES.get(name)
        after = self._folded[colon + 1 : colon + 2]
        if field is None:
            if _LATIN_FIELD.match(name) and after not in {"/", ""} and not after.isspace():
                raise hints.unknown_field(begin, (one.zh for one in FIELDS.values()))
            return False
        end = colon + 1
        while end < len(self._folded) and self._folded[end].isspace():
            end += 1
        self._add(Kind.FIELD, field, end)
        return True


def _wide(typed: str) -> Kind:
    """Operators in full-width capitals; everything else is a word."""
    plain = "".join(chr(ord(one) - 0xFEE0) if 0xFF01 <= ord(one) <= 0xFF5E else one for one in typed)
    return _CAPITALS.get(plain, Kind.WORD) if plain != typed else Kind.WORD


def _settled(found: list[Token]) -> list[Token]:
    """与, 或, 非 standing alone between words join them; elsewhere they are words."""
    settled: list[Token] = []
    for number, token in enumerate(found):
        kind = _ALONE.get(token.text) if token.kind is Kind.WORD else None
        after = found[number + 1] if number + 1 < len(found) else None
        before = settled[-1] if settled else None
        if kind and after is not None and after.kind in _OPERAND:
            joins = before is not None and before.kind in _ENDS_OPERAND
            denies = (
                before is None or before.kind in _ENDS_OPERAND or before.kind in JOINING or before.kind is Kind.OPEN
            )
            if denies if kind is Kind.NOT else joins:
                settled.append(Token(kind, token.text, token.place))
                continue
        settled.append(token)
    return settled
