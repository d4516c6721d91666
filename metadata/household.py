"""Household numbers (一户一号), and masking of what is known about a household.

A household number is twelve digits of the division where the household was first registered, a serial of six digits
and a check character (ISO/IEC 7064 MOD 11-2 over the eighteen digits): 19 characters. It is never rewritten when the
household moves and never given again.
"""

from __future__ import annotations

import re

from metadata import divisions, idcard
from metadata.errors import Invalid
from metadata.iso7064 import mod_11_2
from metadata.names import mask_name

__all__ = ["check_household_no", "division_of", "household_no", "mask_account", "mask_name", "mask_phone"]

_SHAPE = re.compile(r"[0-9]{18}[0-9X]\Z")
_LAST_SERIAL = 999_999
_TO_ASCII = str.maketrans("０１２３４５６７８９ｘＸx", "0123456789XXX")


def household_no(division12: str, serial: int) -> str:
    """The number of the ``serial``-th household (1 to 999,999) of a village, 19 characters with its check character."""
    if not 1 <= serial <= _LAST_SERIAL:
        raise Invalid(
            "household.serial",
            zh=f"户序号 {serial} 超出范围；应在 1 到 {_LAST_SERIAL} 之间。",
            en=f"Household serial {serial} is out of range; 1 to {_LAST_SERIAL} is expected.",
            serial=serial,
        )
    digits = f"{divisions.padded(division12)}{serial:06d}"
    return digits + mod_11_2(digits)


def check_household_no(text: str) -> str:
    """``text`` as a household number in its one form (ASCII, capital X); ``Invalid`` when shape or check is wrong.

    The error repeats what was typed, but for an ID number typed into the wrong field.
    """
    number = text.strip().translate(_TO_ASCII)
    if not _SHAPE.match(number):
        text = idcard.mask_all(text)
        raise Invalid(
            "household.malformed",
            zh=f"户号“{text}”格式不对；应为 18 位数字加 1 位校验码。",
            en=f"Household number {text!r} is malformed; 18 digits and a check character are expected.",
            household_no=text,
        )
    if mod_11_2(number[:18]) != number[18]:
        raise Invalid(
            "household.check_digit",
            zh=f"户号（末四位 {number[-4:]}）校验码不符，有数字录错，请逐位核对。",
            en=f"The check character of the household number ending in {number[-4:]} is wrong: a digit was mistyped; compare them.",
            household_no=idcard.mask_all(text),
        )
    return number


def division_of(number: str) -> str:
    """The twelve-digit division of first registration inside a household number."""
    return check_household_no(number)[:12]


def mask_phone(text: str) -> str:
    """First three and last four digits of a telephone number; a short one is hidden whole."""
    number = text.strip()
    if len(number) < 8:
        return "*" * len(number)
    return number[:3] + "*" * (len(number) - 7) + number[-4:]


def mask_account(text: str) -> str:
    """The last four characters of a bank account; a short one is hidden whole."""
    number = text.strip()
    if len(number) < 8:
        return "*" * len(number)
    return "*" * (len(number) - 4) + number[-4:]
