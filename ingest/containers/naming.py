"""Names without a stated encoding: one encoding for a whole container, chosen by the evidence of all its names.

A ZIP made on Windows holds names in the code page of the machine that made it and does not say which. One name alone
decides little; all names together nearly always do: they must all decode, and into characters that people use.
"""

from __future__ import annotations

import base64
import itertools
from collections.abc import Iterable
from functools import cache

from ingest.walk import Name, read_name

_CANDIDATES = {"UTF-8": "utf-8", "GB18030": "gb18030", "Shift-JIS": "cp932", "Big5": "cp950", "CP437": "cp437"}
_ENOUGH = 0.3
_SAMPLE = 5_000  # names that are weighed; all of them must decode


def decide(names: Iterable[bytes]) -> str | None:
    """The encoding of ``names``: UTF-8, GB18030, Shift-JIS, Big5 or CP437; None when none of them reads well."""
    telling = [name for name in names if not name.isascii()]
    best: str | None = None
    highest = _ENOUGH
    for shown, codec in _CANDIDATES.items():
        try:
            texts = [name.decode(codec) for name in telling]
        except UnicodeDecodeError:
            continue
        score = _score(texts[:_SAMPLE], shown)
        if score > highest:
            best, highest = shown, score
    return best


def named(raw: bytes, encoding: str | None) -> Name:
    """The name that ``raw`` means in ``encoding``; its bytes are kept unless they are UTF-8."""
    if raw.isascii():
        return Name(raw.decode("ascii"))
    if encoding is None:
        return read_name(raw)
    try:
        text = raw.decode(_CANDIDATES[encoding])
    except UnicodeDecodeError:
        return read_name(raw)
    if encoding == "UTF-8":
        return Name(text)
    return Name(text, base64.b64encode(raw).decode(), legacy=True, encoding=encoding)


def _score(texts: Iterable[str], encoding: str) -> float:
    """How much like names the texts look: 1 is a text of common characters throughout."""
    total, count = 0.0, 0
    for text in texts:
        for before, one, after in zip("/" + text, text, text[1:] + "/", strict=False):
            if not one.isascii():
                total += _weight(one, encoding, beside_letter=_latin(before) or _latin(after))
                count += 1
    return total / count if count else 1.0


def _latin(one: str) -> bool:
    return one.isalpha() and ord(one) < 0x250


def _weight(one: str, encoding: str, *, beside_letter: bool) -> float:
    code = ord(one)
    if not one.isprintable() and code != 0x3000:
        return -3.0
    if encoding == "CP437":
        return 0.6 if one.isalpha() and code < 0x250 and beside_letter else -1.0
    if one in _common(encoding):
        return 1.0
    if 0x3041 <= code <= 0x30FE:
        return 1.0 if encoding in {"Shift-JIS", "UTF-8"} else 0.3
    if 0xFF61 <= code <= 0xFF9F:
        return 0.05
    if 0x3000 <= code <= 0x303F or 0xFF01 <= code <= 0xFF5E or 0x2010 <= code <= 0x2027:
        return 0.6
    if encoding == "UTF-8":
        if code < 0x800:  # two bytes, which may as well be one Han character of GB18030
            return (1.2 if beside_letter else 0.9) if one.isalpha() else 0.2
        return 1.1  # three bytes and more are never UTF-8 by chance
    return 0.25 if 0x4E00 <= code <= 0x9FFF else 0.1


@cache
def _common(encoding: str) -> frozenset[str]:
    """The characters that the encoding's makers put first because they are in daily use."""
    if encoding == "GB18030":  # GB/T 2312 level 1
        return _table("gb2312", range(0xB0, 0xD8), range(0xA1, 0xFF))
    if encoding == "Big5":  # level 1
        trail = itertools.chain(range(0x40, 0x7F), range(0xA1, 0xFF))
        return _table("big5", range(0xA4, 0xC7), trail)
    if encoding == "Shift-JIS":  # JIS X 0208 level 1
        trail = itertools.chain(range(0x40, 0x7F), range(0x80, 0xFD))
        return _table("shift_jis", range(0x88, 0x99), trail)
    return frozenset()


def _table(codec: str, lead: Iterable[int], trail: Iterable[int]) -> frozenset[str]:
    pairs = itertools.product(lead, trail)
    return frozenset("".join(bytes(pair).decode(codec, "ignore") for pair in pairs))
