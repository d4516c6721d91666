"""Citizen identification numbers (GB 11643-1999): reading, checking, masking, finding them in text.

An 18-digit number is six digits of division, eight of birth date, three of sequence (odd male, even female) and a
check character (ISO/IEC 7064 MOD 11-2). The 15-digit form of before 1999 has a two-digit year and no check character.
The division is never looked up: prefixes of divisions long abolished stay valid for life. Errors raised here never
repeat the number.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Literal

from metadata.errors import Invalid
from metadata.iso7064 import mod_11_2

_EIGHTEEN = re.compile(r"[0-9]{17}[0-9X]\Z")
_FIFTEEN = re.compile(r"[0-9]{15}\Z")
# Scanned and typed text also holds full-width digits and a small x; a longer run of digits is an account number.
_IN_TEXT = re.compile(r"(?<![0-9０-９])[0-9０-９]{17}[0-9０-９XxＸｘ](?![0-9０-９])")
_TO_ASCII = str.maketrans("０１２３４５６７８９xＸｘ", "0123456789XXX")
_EARLIEST_YEAR = 1850


@dataclass(frozen=True, slots=True)
class IdNumber:
    """An ID number that passed every check; ``legacy`` is the 15-digit form."""

    text: str
    division: str
    born: date
    sex: Literal["male", "female"]
    legacy: bool

    def __repr__(self) -> str:
        """Masked, so that a log or a traceback never shows the number."""
        return f"IdNumber({mask(self.text)})"


def check_digit(first17: str) -> str:
    """The 18th character for the first 17 digits; ``Invalid`` when these are not 17 ASCII digits."""
    if len(first17) != 17 or not (first17.isascii() and first17.isdigit()):
        raise _invalid("length", "计算校验码需要 17 位数字。", "A check character needs exactly 17 digits.")
    return mod_11_2(first17)


def parse(text: str) -> IdNumber:
    """Read an ID number of 18 or 15 digits, white space around it allowed, ``X`` in upper case only (GB 11643).

    Raises ``Invalid`` with the code ``idcard.length``, ``idcard.date`` or ``idcard.check_digit``.
    """
    number = text.strip()
    if _EIGHTEEN.match(number):
        division, birth, sequence, legacy = number[:6], number[6:14], number[14:17], False
    elif _FIFTEEN.match(number):
        division, birth, sequence, legacy = number[:6], "19" + number[6:12], number[12:15], True
    else:
        raise _invalid(
            "length",
            "身份证号码应为 18 位（末位可为大写 X）或 15 位数字，请对照证件重新录入。",
            "An ID number has 18 characters (the last may be a capital X) or 15 digits; enter it again from the card.",
        )
    try:
        born = date(int(birth[:4]), int(birth[4:6]), int(birth[6:]))
    except ValueError:
        born = None
    if born is None or born.year < _EARLIEST_YEAR:
        raise _invalid(
            "date",
            "身份证号码中的出生日期不存在，请对照证件重新录入。",
            "The birth date inside the ID number does not exist; enter it again from the card.",
        )
    if not legacy and mod_11_2(number[:17]) != number[17]:
        raise _invalid(
            "check_digit",
            "身份证号码校验码不符，请对照证件重新录入。",
            "The check character of the ID number is wrong; enter it again from the card.",
        )
    return IdNumber(number, division, born, "male" if int(sequence) % 2 else "female", legacy)


def is_valid(text: str) -> bool:
    """Whether ``parse`` accepts ``text``."""
    try:
        parse(text)
    except Invalid:
        return False
    return True


def mask(text: str) -> str:
    """First six and last four characters, the rest as ``*``; a text too short for that is hidden whole."""
    number = text.strip()
    if len(number) <= 10:
        return "*" * len(number)
    return number[:6] + "*" * (len(number) - 10) + number[-4:]


def find_all(text: str) -> Iterator[tuple[int, int, str]]:
    """Every 18-digit ID number with a real date and the right check character: start, end, number in ASCII form.

    Full-width digits and a small ``x`` are read too, since scanned text has them.
    """
    for match in _IN_TEXT.finditer(text):
        number = match.group().translate(_TO_ASCII)
        if is_valid(number):
            yield match.start(), match.end(), number


def mask_all(text: str) -> str:
    """``text`` with every ID number in it masked: for sentences that repeat what somebody typed."""
    parts, place = [], 0
    for start, end, number in find_all(text):
        parts += [text[place:start], mask(number)]
        place = end
    return "".join([*parts, text[place:]])


def _invalid(code: str, zh: str, en: str) -> Invalid:
    return Invalid(f"idcard.{code}", zh=zh, en=en)
