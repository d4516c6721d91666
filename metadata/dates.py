"""Calendar days as people write them: 2024年3月5日, 二〇二四年三月五日, 2024-03-05, 20240305, 民国113年3月5日.

Pure; full-width digits are read too. Nothing is completed: a month without a day is no day (DA/T 46 M33 allows less,
but then a person enters it).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

_WIDE = str.maketrans("０１２３４５６７８９／－．", "0123456789/-.")
_DIGIT = {one: place for place, one in enumerate("〇一二三四五六七八九")} | {"零": 0, "○": 0, "两": 2}
_YEAR_HAN = "[〇零○一二三四五六七八九]{4}"
_HAN = "[一二三四五六七八九十廿卅]{1,3}"
_GAP = r"[ \u3000]{0,2}"
_REPUBLIC = 1911
_EARLIEST, _LATEST = 1850, 2199

_FORMS = re.compile(
    rf"民[国國]{_GAP}(?P<roc>\d{{1,3}}|[一二三四五六七八九十百〇零]{{1,5}}){_GAP}年{_GAP}(?P<rm>\d{{1,2}}|{_HAN}){_GAP}月{_GAP}(?P<rd>\d{{1,2}}|{_HAN}){_GAP}日"
    rf"|(?P<hy>{_YEAR_HAN}){_GAP}年{_GAP}(?P<hm>{_HAN}){_GAP}月{_GAP}(?P<hd>{_HAN}){_GAP}日"
    rf"|(?<!\d)(?P<y>\d{{4}}){_GAP}年{_GAP}(?P<m>\d{{1,2}}){_GAP}月{_GAP}(?P<d>\d{{1,2}})(?!\d){_GAP}日?"
    r"|(?<![\d.\-/])(?P<iy>\d{4})(?P<sep>[./-])(?P<im>\d{1,2})(?P=sep)(?P<id>\d{1,2})(?!\d)"
    r"|(?<!\d)(?P<cy>(?:18|19|20|21)\d{2})(?P<cm>[01]\d)(?P<cd>[0-3]\d)(?!\d)"
)


@dataclass(frozen=True, slots=True)
class FoundDate:
    """A day in a text: where it stands, and whether it was written as eight bare digits (which may be a number)."""

    start: int
    end: int
    day: date
    bare: bool


def find(text: str) -> Iterator[FoundDate]:
    """Every day that ``text`` names, from left to right; what is no day of the calendar is passed over."""
    plain = text.translate(_WIDE)
    for match in _FORMS.finditer(plain):
        got = match.groupdict()
        if got["roc"]:
            day = _day(_number(got["roc"]) + _REPUBLIC, _number(got["rm"]), _number(got["rd"]))
        elif got["hy"]:
            year = int("".join(str(_DIGIT[one]) for one in got["hy"]))
            day = _day(year, _number(got["hm"]), _number(got["hd"]))
        else:
            kind = "y" if got["y"] else "iy" if got["iy"] else "cy"
            month, of_month = {"y": ("m", "d"), "iy": ("im", "id"), "cy": ("cm", "cd")}[kind]
            day = _day(int(got[kind]), int(got[month]), int(got[of_month]))
        if day is not None:
            yield FoundDate(match.start(), match.end(), day, bool(got["cy"]))


def read(text: str) -> date | None:
    """The day that ``text`` as a whole is, or None."""
    text = text.strip()
    found = next(find(text), None)
    if found is None or found.start or text[found.end :].strip(" 　日号T0:Z."):
        return None
    return found.day


def _day(year: int, month: int, day: int) -> date | None:
    if not _EARLIEST <= year <= _LATEST:
        return None
    try:
        return date(year, month, day)
    except ValueError:
        return None


def _number(text: str) -> int:
    """A small number in digits or Han numerals: ``12``, 十二, 廿三, 一百一十三, 一〇三."""
    if text.isdecimal():
        return int(text)
    if not set(text) & set("十百廿卅"):
        return int("".join(str(_DIGIT[one]) for one in text))
    total, last = 0, 0
    for one in text:
        if one in "廿卅":
            total += 20 if one == "廿" else 30
        elif one in "十百":
            total += (last or 1) * (10 if one == "十" else 100)
            last = 0
        else:
            last = _DIGIT[one]
    return total + last
