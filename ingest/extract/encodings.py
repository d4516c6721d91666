"""Plain text of unknown encoding, read by evidence.

A byte-order mark decides; else UTF-8 where it fits, which chance hardly ever makes it do; else whichever of GB18030,
Big5, Shift-JIS and UTF-16 without a mark gives the most characters that people really write. On a tie it is GB18030,
which nearly everything of the field is in.
"""

from __future__ import annotations

import codecs
from functools import cache

from ingest.extract.reading import Unreadable

BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_SAMPLE = 64 << 10
_MARGIN = 0.05
_ENOUGH = 0.6
_FREQUENT = frozenset(
    "的一是不了在人有我他这中大来上个国到说们为子和你地出道也时年得就那要下以生会自着去之过家学对可她里后小么心多天而能好都然没日于起还发"
    "成事只作当想看文无开手十用主行方又如前所本见经头面公同三已老从动两长知民样现分将外但身些与高意进把法此实回二理美点月明其种声全工己话"
    "儿者向情部正名定女问力机给等几很业最间新什打便位因重被走电四第门相次东政海口使教西再平真听世气信北少关并内加化由却代军产入先山五太水"
    "万市眼体别处总才场师书比住员九笑性通目华报立马命张活难神数件安表原车白应路期叫死常提感金何更反合放做系计或司利受光王果亲界及今京务制"
    "解各任至清物台象记边共风战干接它许八特觉望直服毛林题建南度统色字请交爱让认算论百吃义科怎元社术结六功指思非流每青管夫连远资队跟带花快"
    "条院变联言权往展该领传近留红治决周保达办运武半候七必城父强步完革深区即求品士转量空甚众技轻程告江语英基派满式李息写呢识极令黄德收脸钱"
    "申请户县乡镇村姓号证审核批低困难救助居委会户籍档案"
    "這來個國到說們為時過家學對裡後麼發當無開經頭見動兩長樣現將與進實點種聲話兒問機給幾業間電門東氣關並內產萬體別處總場師書員報馬張難數"
    "車應讓認論義術結區條變聯權領傳連遠資隊帶題統愛請戶鎮鄉縣號證審檔"
)
_KANA = frozenset(map(chr, (*range(0x3041, 0x3097), *range(0x30A1, 0x30FB), 0x30FC)))
_MARKS = frozenset("，。、；：？！（）《》〈〉“”‘’「」『』【】〔〕…—－·　％０１２３４５６７８９")


def decode(data: bytes, *, cut: bool = False) -> tuple[str, str]:
    """Text and the encoding it was read in.

    ``cut``: the data is the beginning of something longer, so a character may be cut at its end. Raises ``Unreadable``
    for what is text in no encoding that is tried.
    """
    for mark, encoding in BOMS:
        if data.startswith(mark):
            return _strict(data[len(mark) :], encoding, final=not cut), encoding
    if data.count(0) > len(data) // 1000:
        return _wide(data, cut=cut)
    try:
        return _strict(data, "utf-8", final=not cut), "utf-8"
    except UnicodeDecodeError:
        return _by_evidence(data, cut=cut)


def _wide(data: bytes, *, cut: bool) -> tuple[str, str]:
    best = _best(data, ("utf-16-le", "utf-16-be"))
    if best is None or best[0] < _ENOUGH:
        raise Unreadable
    return _strict(data, best[1], final=not cut), best[1]


def _by_evidence(data: bytes, *, cut: bool) -> tuple[str, str]:
    best = _best(data, ("gb18030", "cp950", "cp932", "utf-16-le", "utf-16-be"))
    if best is not None:
        try:
            return _strict(data, best[1], final=not cut), best[1]
        except UnicodeDecodeError:
            pass  # it goes wrong behind the sample
    text = data.decode("gb18030", "replace")
    if text.count("\ufffd") > len(text) // 100:
        raise Unreadable
    return text, "gb18030"


def _best(data: bytes, encodings: tuple[str, ...]) -> tuple[float, str] | None:
    """Score and name of the most likely encoding; the first of those that are about as likely."""
    sample = data[:_SAMPLE]
    whole = len(sample) == len(data)
    best: tuple[float, str] | None = None
    for encoding in encodings:
        if encoding.startswith("utf-16") and len(data) % 2:
            continue
        try:
            score = _score(_strict(sample, encoding, final=whole), encoding)
        except UnicodeDecodeError:
            continue
        if best is None or score > best[0] + _MARGIN:
            best = score, encoding
    return best


def _score(text: str, encoding: str) -> float:
    """How much of the text people would write: 1 where every character is in everyday use, below 0 for rubbish.

    ASCII counts only in UTF-16, where it is evidence; elsewhere every encoding has it alike.
    """
    wide = encoding.startswith("utf-16")
    points = counted = 0.0
    for one in text:
        if one < "\x80" and not wide:
            continue
        counted += 1
        if one in _FREQUENT:
            points += 1.3
        elif one in _common() or one in _MARKS:
            points += 1
        elif one in _KANA:
            points += 1 if encoding == "cp932" else 0.3
        elif one < "\x80":
            points += 1 if one.isprintable() or one in "\t\r\n" else -2
        elif "\ue000" <= one <= "\uf8ff" or "\uff61" <= one <= "\uff9f":
            points -= 1  # private characters; half-width kana, which bytes of Chinese give in Shift-JIS
    return points / counted if counted else 0.0


@cache
def _common() -> frozenset[str]:
    """The characters of daily use: level 1 of GB 2312 (3,755) and of Big5 (5,401)."""
    found: set[str] = set()
    for encoding, firsts, seconds in (
        ("gb2312", range(0xB0, 0xD8), range(0xA1, 0xFF)),
        ("big5", range(0xA4, 0xC7), (*range(0x40, 0x7F), *range(0xA1, 0xFF))),
    ):
        for first in firsts:
            for second in seconds:
                found.update(bytes((first, second)).decode(encoding, "ignore"))
    return frozenset(found)


def _strict(data: bytes, encoding: str, *, final: bool) -> str:
    return codecs.getincrementaldecoder(encoding)().decode(data, final)
