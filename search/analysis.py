"""How text becomes what the index holds: folding, elements, pairs. Pure; the same for every engine and every query.

*Folding* turns one character into one character, so that a place in the folded text is the same place in the original:
compatibility forms (full-width letters, CJK compatibility ideographs, radicals), lower case, letters without accents,
and Han characters to one form for all scripts. The table comes from OpenCC's traditional-to-simplified characters and
a list of one-to-many forms (乾/幹/干, 藉/借). It never looks at phrases: a fragment of a name, folded alone, must equal
the same fragment folded inside a sentence. What people see is never folded.

*Elements* are what a reader would count: one Han character, one word of letters and digits, or a break. Everything
between two elements that is not blank is a break (``BREAK``), so that a phrase cannot cross punctuation unless the
query has punctuation there too. Blanks, single line ends and middle dots between Han characters do not break: text of
PDFs is full of line ends, names are padded (张　三), and names of minorities have dots.

*Pairs* are neighbouring elements joined (低保, 保档, 档案), kept with their positions: a phrase is a run of pairs.
Single elements go into a field of their own, without positions, which serves queries of one character or one word.
"""

from __future__ import annotations

import re
import unicodedata
import zlib
from dataclasses import dataclass
from functools import cache
from operator import add

import opencc

BREAK = "¶"
"""The element that stands for punctuation, a paragraph's end or a hidden number."""

HIDDEN = "\x00"
"""What a hidden number is replaced by before analysis; it breaks phrases."""

_VERSION = 1
_LONGEST_WORD = 64

# One-to-many forms that the character table leaves apart; the first stands for all. Only forms that writers do
# exchange: 喆 and 哲, 堃 and 坤 are different names and stay apart.
_CLASSES = (
    "着著 借藉 余馀 卫衞 叙敍 台枱 咨谘 夫伕 妆粧 尽侭 巨钜 彩䌽 仿彷 径迳 托讬 斤觔 昵暱 曲麹 果菓 枪鎗 碗椀 檐簷 浚濬 澄澂 焰燄 熏薰 了瞭 管筦 "
    "粽糭 只衹祇 复覆 划画㓰 背揹 面麺 钟锺 锄耡 仇雠 线缐 村邨 像象 它牠 藤籐 污汚汙 姊姉 强彊 周週 占佔 布佈 志誌 注註 游遊 扎紮 栗慄 杯盃 棹桌 案桉 户戸 "
    "斗鬬闘 历歴 回廻 碱硷 宁甯 苏甦 裙裠 青靑 清淸 值値 郎郞 研硏 乡鄕 仿倣 粗麤 效効 豆荳 奶嬭 辉煇𪸩 岩嵒 德徳悳 铁銕 朵朶 炉𬬻 稿稾 "
    "鲜鱻 盖葢 举擧 挂罣 并竝 郁欝 沈渖 煮煑 晒曬 册冊 款欵 凳櫈 席蓆 喧諠 愧媿 拿拏 脚腳 却卻 厦廈 卿𠨧 柳栁 妊姙 菇菰 鞋鞵 韭韮 烟菸 霉黴"
)
_SAME = str.maketrans(
    {one: group[0] for group in _CLASSES.split() for one in group[1:]} | {"○": "〇", "◯": "〇", "〻": "々"}
)
_MIDDLE_DOTS = dict.fromkeys("·•‧・･⋅∙᛫", "·")

HAN = "\u3005\u3007\u3021-\u3029\u3400-\u4dbf\u4e00-\u9fff\ue000-\ufaff\U00020000-\U000323af\U000f0000-\U0010fffd"
"""Inside a character class of a regular expression: Han characters, and the private area where rare names once lay."""

_IGNORED = "\u00ad\u0300-\u036f\u180b-\u180d\u200b-\u200f\u202a-\u202e\u2060-\u2064\u3099\u309a\ufe00-\ufe0f\ufeff\U000e0100-\U000e01ef"
_BLANK = " \u00a0\u2000-\u200a\u202f\u205f\u3000"
_BETWEEN_HAN = f"[{_BLANK}{_IGNORED}·]*+(?:\r?\n[{_BLANK}{_IGNORED}·]*+)?"
_PUNCTUATION = rf"[^\w\s{HAN}{_IGNORED}]|[_\t\v\f\x1c-\x1f\u2028\u2029]|\n[^\S\n]*\n"
_TOKENS = re.compile(
    rf"(?P<han>[{HAN}](?:{_BETWEEN_HAN}[{HAN}])*+)"
    rf"|(?P<word>[^\W_{HAN}](?:[{_IGNORED}]*+[^\W_{HAN}]|[\u0f18-\u0fbc])*+)"
    rf"|(?P<stop>(?:{_PUNCTUATION})(?:{_PUNCTUATION}|\s)*+)"
)
_NOT_HAN = re.compile(rf"[^{HAN}]+")
_ONLY_IGNORED = re.compile(f"[{_IGNORED}]+")


class _Folding(dict[int, int]):
    """Code point -> folded code point, made when first asked for; ``str.translate`` asks it."""

    def __missing__(self, code: int) -> int:
        folded = self[code] = _fold_one(code)
        return folded


def _fold_one(code: int) -> int:
    one = chr(code)
    if 0xD800 <= code <= 0xDFFF:
        return code
    if one in _MIDDLE_DOTS:
        return ord("·")
    for form in ("NFKC", "NFKD"):
        changed = unicodedata.normalize(form, one)
        base = changed[:1]
        if len(changed) == 1 or (base and all(unicodedata.category(mark) == "Mn" for mark in changed[1:])):
            one = base
    lowered = one.lower()
    one = lowered if len(lowered) == 1 else one
    simple = _simplify(one) if ord(one) >= 0x2E80 else one
    return ord(simple.translate(_SAME))


@cache
def _opencc() -> opencc.OpenCC:
    return opencc.OpenCC("t2s")


def _simplify(one: str) -> str:
    simple = str(_opencc().convert(one))
    return simple if len(simple) == 1 else one


_FOLDING = _Folding()


def fold(text: str) -> str:
    """``text`` with every character in its one form; as long as ``text``, place for place."""
    return text.translate(_FOLDING)


@cache
def fingerprint() -> str:
    """Names the way of cutting: an index made with another one must be rebuilt. Changes with OpenCC's table."""
    sample = "".join(map(chr, (*range(0x2E80, 0xA000), *range(0xF900, 0xFB00))))
    return f"{_VERSION}-{zlib.crc32(fold(sample).encode()):08x}"


def elements(folded: str) -> list[str]:
    """The elements of folded text: Han characters, ``_word_`` for words, ``BREAK`` between runs; never two breaks."""
    found: list[str] = []
    for match in _TOKENS.finditer(folded):
        kind = match.lastgroup
        if kind == "han":
            run = match.group()
            found.extend(run if run.isalpha() else _NOT_HAN.sub("", run))  # most runs hold nothing to leave out
        elif kind == "word":
            found.append(_word(match.group()))
        elif found and found[-1] != BREAK:
            found.append(BREAK)
    if found and found[-1] == BREAK:
        found.pop()
    return found


def _word(text: str) -> str:
    return f"_{_ONLY_IGNORED.sub('', text)[:_LONGEST_WORD]}_"


@dataclass(frozen=True, slots=True)
class Placed:
    """An element with where it begins and ends in the text."""

    text: str
    start: int
    end: int


def placed_elements(folded: str) -> list[Placed]:
    """``elements`` with places, for highlighting."""
    found: list[Placed] = []
    for match in _TOKENS.finditer(folded):
        kind = match.lastgroup
        if kind == "han":
            start = match.start()
            found.extend(
                Placed(one, start + place, start + place + 1)
                for place, one in enumerate(match.group())
                if not _NOT_HAN.match(one)
            )
        elif kind == "word":
            found.append(Placed(_word(match.group()), match.start(), match.end()))
        elif found and found[-1].text != BREAK:
            found.append(Placed(BREAK, match.start(), match.end()))
    return found


def pairs(run: list[str] | tuple[str, ...]) -> list[str]:
    """Neighbouring elements joined; one fewer than elements. Words carry their own borders, so no two runs clash."""
    return list(map(add, run, run[1:]))


@dataclass(frozen=True, slots=True)
class Analysed:
    """Text ready for an index: tokens joined by blanks, for a whitespace analyzer.

    ``pairs`` is to be indexed with positions; ``units`` (the distinct elements) without.
    """

    pairs: str
    units: str


def analyse(folded: str) -> Analysed:
    """What the index holds of folded text."""
    run = elements(folded)
    return Analysed(" ".join(pairs(run)), " ".join(sorted({*run} - {BREAK})))


def key_of(text: str) -> str:
    """A name or number as an exact term: folded, without blanks, punctuation and dots."""
    return "".join(one.strip("_") for one in elements(fold(text)) if one != BREAK)


_LETTER = rf"[^\W_{HAN}]"
_NO_BREAK = rf"[{_BLANK}{_IGNORED}\r\n·]"


def pattern_of(run: tuple[str, ...]) -> re.Pattern[str]:
    """Where a run of elements stands in folded text: an expression for highlighting, a little wider than the index."""
    parts: list[str] = []
    previous = ""
    for element in run:
        if element == BREAK:
            parts.append(rf"(?:[^\w{HAN}]|_)+")
        else:
            if previous and previous != BREAK:
                both_words = previous.startswith("_") and element.startswith("_")
                parts.append(f"{_NO_BREAK}{'+' if both_words else '*'}")
            parts.append(_pattern_of_word(element) if element.startswith("_") else re.escape(element))
        previous = element
    return re.compile("".join(parts))


def pattern_of_prefix(element: str) -> re.Pattern[str]:
    """Words that begin with ``_abc``, whole."""
    return re.compile(f"(?<!{_LETTER}){re.escape(element[1:])}{_LETTER}*+")


def _pattern_of_word(element: str) -> str:
    word = element[1:-1]
    after = "" if len(word) == _LONGEST_WORD else f"(?!{_LETTER})"
    return f"(?<!{_LETTER})" + f"[{_IGNORED}]*".join(map(re.escape, word)) + after
