"""Check characters of the pure system MOD 11-2 (ISO/IEC 7064), as ID numbers and household numbers carry them."""

from __future__ import annotations


def mod_11_2(digits: str) -> str:
    """The check character, ``0`` to ``9`` or ``X`` for ten, that makes ``digits`` plus it a valid MOD 11-2 string.

    ``digits`` holds ASCII digits only, most significant first; anything else raises ``ValueError``.
    """
    if not (digits.isascii() and digits.isdigit()):
        raise ValueError("only ASCII digits have a MOD 11-2 check character")
    remainder = 0
    for digit in digits:
        remainder = (remainder + int(digit)) * 2 % 11
    return "0123456789X"[(12 - remainder) % 11]
