"""Damaged text (DA/T 70 A6): characters lost, or converted twice on the way here.

Three kinds: replacement characters and private-use debris, question marks where Han characters stood, and text that
went through a wrong conversion (UTF-8 read as GBK or Latin-1, Big5 read as GBK and back, ``動態(tài)化`` of web pages
that were converted between the scripts). Nothing is mended here: what came is kept, the depositor is told. The checks
are pure and quick: each looks for the few characters that its kind of damage cannot do without.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from functools import cache
from itertools import chain, islice, takewhile

from ingest.outcome import Finding
from search.analysis import fold

Place = tuple[int, int]

_HAN = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U000323af"
_ANY_HAN = re.compile(f"[{_HAN}]")
_SYMBOLS = "\uf020-\uf0ff"  # bullets and arrows of symbol fonts, as word processors write them: no damage
_PRIVATE = "\ue000-\uf01f\uf100-\uf8ff\U000f0000-\U0010fffd"
_REPLACED = re.compile(f"\ufffd+|[{_PRIVATE}]{{2,}}")  # a rare name may stand in the private area, alone

_LOST = re.compile(r"\?+")
_ASKING_END = frozenset("吗嗎呢么麼吧啊呀嘛啦")
_ASKING = re.compile(
    rf"[吗嗎呢么麼何谁誰哪几幾怎啥岂豈]|多少|多大|多久|是否|能否|可否|有否|难道|難道|([{_HAN}])[不没沒]\1"
)
_SENTENCE_END = re.compile(r"[。！!？?；;\n]")
_LOOK_BACK = 40

_LITERAL = re.compile("锟斤拷|(?:锟斤)+|烫烫烫+|屯屯屯+|锘縚")
_READING = re.compile(r"[(（]([a-zà-öø-ǜ]{1,6})[)）]")
_PLAIN_READINGS = 5

_LEADS = range(0xE4, 0xEA)
_CONTINUED = range(0x80, 0xC0)
_UTF8_AS_GBK = re.compile(
    "["
    + re.escape(
        "".join(bytes((lead, second)).decode("gb18030") for lead in _LEADS for second in _CONTINUED if second != 0x7F)
    )
    + "]"
)
_WINDOW = 24
_WESTERN = {bytes((code,)).decode("cp1252", "ignore") or chr(code): code for code in range(0x80, 0x100)} | {
    chr(code): code for code in range(0x80, 0x100)
}
_WESTERN_REST = re.escape("".join(one for one, code in _WESTERN.items() if code in _CONTINUED))
_UTF8_AS_WESTERN = re.compile(f"(?:[Â-Åâ-é][{_WESTERN_REST}]{{1,2}}){{2,}}")
_GBK_AS_WESTERN = re.compile(r"(?:[\xb0-\xd7][\xa1-\xfe]){3,}")

_OFTEN = (
    "的一是不了在人有我他这這中大来來上国國个個到说說们們为為子和你地出道也时時年得就那要下以生会會自着去之过過家学學对對可里裡后後小么麼心多天而能好都然没沒"
    "日于於起还還发發成事只作当當想看文无無开開手十用主行方又如前所本见見经經头頭面公同三已老从從动動两兩长長知民样樣现現分将將外但身些与與高意进進把法此实實"
    "回二理美点點月明其种種声聲全工己话話儿兒者向情部正名定女问問力机機给給等几幾很业業最间間新什打便位因重被走电電四第门門相次东東政海口使教西再平真听聽世气氣"
    "信北少关關并並内內加化由却卻代军軍产產入先山五太水万萬市眼体體别別处處总總才场場师師书書比住员員九性通目华華报報立马馬命张張活难難神数數件安表原车車白应應"
    "路期叫常提感金何更反合放做系计計或司利受光王果亲親界及今京务務制解各任至清物台臺象记記边邊共风風战戰干接它许許八特觉覺望直服毛林题題建南度统統色字请請交爱愛"
    "让讓认認算论論百义義科怎元社术術结結六功指思非流每青管夫连連远遠资資队隊跟带帶花快条條院变變联聯言权權往展该該领領传傳近留红紅治决決周保达達办辦运運武半候"
    "七必城父强強步完革深区區即求品士转轉空众眾技轻輕程低户戶县縣村镇鎮乡鄉姓址号號档檔案申审審助收救"
)
"""Characters that make up about half of ordinary Chinese in either script; wrongly converted text has hardly any."""
_ORDINARY = re.compile(f"[{_OFTEN}]")
_EAST_ASIAN = re.compile(f"[{_HAN}\u3040-\u30ff{_PRIVATE}]")
_LOOKED_AT = 3_000
_FEW, _MANY, _ENOUGH = 0.25, 0.30, 12
_CROSSED = (("gb18030", "big5"), ("big5", "gb18030"))

_MOST = 20_000  # suspicious places of one kind that are looked at: hostile text costs no more than damaged text

_SAMPLE = 20
_DIGITS = re.compile(r"\d{3,}")
_BLANKS = re.compile(r"\s+")


def run(path: str, text: str) -> Iterable[Finding]:
    """Findings about the text of one file, each with a count and a sample that holds no personal number."""
    for code, found in (
        ("text.replacement", _replaced(text)),
        ("text.question_marks", _question_marks(text)),
        ("text.double_converted", _converted_twice(text)),
    ):
        if found:
            yield Finding(code, path, {"count": len(found), "sample": sample(text, *found[0])})


def sample(text: str, start: int, end: int) -> str:
    """At most 20 characters around a place; runs of digits become ``*``, so that no personal number is repeated."""
    before = max(0, start - max(4, (_SAMPLE - (end - start)) // 2))
    piece = _BLANKS.sub(" ", text[before : before + _SAMPLE])
    return _DIGITS.sub("*", piece).strip()


def _replaced(text: str) -> list[Place]:
    return [one.span() for one in islice(_REPLACED.finditer(text), _MOST)]


def _question_marks(text: str) -> list[Place]:
    """Question marks between Han characters that ask nothing, and rows of them that follow no foreign word."""
    return [one.span() for one in islice(_LOST.finditer(text), _MOST) if _stands_for_han(text, *one.span())]


def _stands_for_han(text: str, start: int, end: int) -> bool:
    before = text[start - 1 : start]
    after = text[end : end + 1]
    if before in _ASKING_END and before:
        return False
    between = bool(_ANY_HAN.match(before) and _ANY_HAN.match(after))
    if end - start >= 2 and between:
        return True
    if end - start >= 3:
        return not before.isalnum() or bool(_ANY_HAN.match(before))
    if not between:
        return False
    sentence = _SENTENCE_END.split(text[max(0, start - _LOOK_BACK) : start])[-1]
    return not _ASKING.search(sentence)


def _converted_twice(text: str) -> list[Place]:
    found = sorted(
        chain(
            (one.span() for one in islice(_LITERAL.finditer(text), _MOST)),
            _readings(text),
            _utf8_as_gbk(text),
            _as_western(text),
        )
    )
    return found or _crossed(text)


def _readings(text: str) -> list[Place]:
    """Han characters followed by their own pinyin in brackets, as some pages show what they could not convert.

    An annotated rare name or a reading that is not the usual one (單(shàn)縣) is somebody's intention. So is pinyin after
    characters that both scripts share, unless there is much of it.
    """
    converted: list[Place] = []
    plain: list[Place] = []
    for match in islice(_READING.finditer(text), _MOST):
        place = match.start()
        character = text[place - 1 : place]
        if not character or not _ANY_HAN.match(character):
            continue
        if unicodedata.normalize("NFC", match.group(1)) != _usual_reading(character):
            continue
        inside = bool(_ANY_HAN.match(text[match.end() : match.end() + 1]))
        if fold(character) != character:
            converted.append((place - 1, match.end()))
        elif inside:
            plain.append((place - 1, match.end()))
    return converted + (plain if converted or len(plain) >= _PLAIN_READINGS else [])


@cache
def _usual_reading(character: str) -> str:
    import pypinyin  # heavy, and hardly any text needs it

    return str(pypinyin.pinyin(character, heteronym=True)[0][0])


def _utf8_as_gbk(text: str) -> Iterator[Place]:
    """Runs like 浣庝繚 that, written as GBK again, are UTF-8: three characters, or all there is between two others."""
    done = 0
    for match in islice(_UTF8_AS_GBK.finditer(text), _MOST):
        start = match.start()
        if start < done:
            continue
        window = text[start : start + _WINDOW]
        try:
            data = window.encode("gb18030")
        except UnicodeEncodeError:
            continue
        decoded = "".join(takewhile(_is_chinese, _valid(data)))
        end = start + len(decoded.encode().decode("gb18030", "ignore"))
        alone = not text[start - 1 : start].isalnum() and not text[end : end + 1].isalnum()
        if _ORDINARY.search(decoded) and (len(decoded) >= 3 or (len(decoded) == 2 and alone)):
            done = end
            yield start, end


def _is_chinese(one: str) -> bool:
    return bool(_ANY_HAN.match(one)) or one in "，。、；：“”（）《》"


def _valid(data: bytes) -> str:
    """What ``data`` says as UTF-8 up to the first byte that is not."""
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        return data[: error.start].decode("utf-8")


def _as_western(text: str) -> Iterator[Place]:
    """Han characters whose bytes were read as Windows-1252: ä½Žä¿ from UTF-8, µÍ±£ from GBK."""
    for match in islice(_UTF8_AS_WESTERN.finditer(text), _MOST):
        decoded = _valid(bytes(_WESTERN[one] for one in match.group()))
        if len(decoded) >= 2 and not decoded.isascii():
            yield match.span()
    for match in islice(_GBK_AS_WESTERN.finditer(text), _MOST):
        decoded = match.group().encode("latin-1").decode("gb18030", "ignore")
        if _ORDINARY.search(decoded):
            yield match.span()


def _crossed(text: str) -> list[Place]:
    """Text read in the other region's encoding: hardly an ordinary character, and half of them after reading it back."""
    head = text[:_LOOKED_AT]
    share = _share(head)
    if share is None or share >= _FEW:
        return []
    for written, meant in _CROSSED:
        again = head.encode(written, "ignore").decode(meant, "replace")
        if again.count("\ufffd") * 8 <= len(again) and (_share(again) or 0) >= max(_MANY, 2 * share):
            return [one.span() for one in re.finditer(f"[{_HAN}\u3040-\u30ff]+", text)]
    return []


def _share(text: str) -> float | None:
    """The share of ordinary characters among those of East Asia; None when there are too few of these to tell."""
    all_of_them = len(_EAST_ASIAN.findall(text))
    return len(_ORDINARY.findall(text)) / all_of_them if all_of_them >= _ENOUGH else None
