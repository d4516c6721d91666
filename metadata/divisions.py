"""Administrative division codes: province to village, 2 to 12 digits.

GB/T 2260 gives six digits (province, prefecture, county, two each), the statistical codes add three for the township
and three for the village. A code shorter than 12 digits means the whole division; the same division also occurs padded
with zeros (``990101000000`` for ``990101``). Codes change every year: records keep the code of their time, so nothing
here looks a code up in a list.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from metadata.errors import Invalid

LENGTHS = (2, 4, 6, 9, 12)
_TO_ASCII = str.maketrans("０１２３４５６７８９", "0123456789")


class DivisionLevel(StrEnum):
    """Rank of a division, as organ levels are coded."""

    PROVINCE = "PV"
    PREFECTURE = "PF"
    COUNTY = "CB"
    TOWNSHIP = "TS"
    VILLAGE = "VC"


_LEVELS = dict(zip(LENGTHS, DivisionLevel, strict=True))


def checked(code: str) -> str:
    """``code`` in ASCII digits, of one of the lengths 2, 4, 6, 9, 12; else ``Invalid`` (``division.malformed``)."""
    plain = code.strip().translate(_TO_ASCII)
    if len(plain) not in _LEVELS or not (plain.isascii() and plain.isdigit()) or plain.startswith("00"):
        raise Invalid(
            "division.malformed",
            zh=f"行政区划代码“{code}”格式不对；应为 2、4、6、9 或 12 位数字。",
            en=f"Division code {code!r} is malformed; 2, 4, 6, 9 or 12 digits are expected.",
            division_code=code,
        )
    return plain


def trimmed(code: str) -> str:
    """The shortest form of ``code``: padding zeros of lower ranks removed (``990101000000`` becomes ``990101``)."""
    plain = checked(code)
    for length in reversed(LENGTHS[:-1]):
        if len(plain) > length and set(plain[length:]) == {"0"}:
            plain = plain[:length]
    return plain


def padded(code: str) -> str:
    """``code`` as twelve digits, filled up with zeros, as household numbers need it."""
    return checked(code).ljust(LENGTHS[-1], "0")


def level_of(code: str) -> DivisionLevel:
    """The rank of the division, padding zeros not counted: ``990101`` and ``990101000000`` are both a county."""
    return _LEVELS[len(trimmed(code))]


def is_within(code: str, prefix: str) -> bool:
    """Whether the division ``code`` is ``prefix`` itself or lies below it; an empty ``prefix`` is the whole country."""
    if not prefix:
        return True
    return trimmed(code).startswith(trimmed(prefix))


@dataclass(frozen=True, slots=True, init=False)
class Division:
    """A division by its code; made with any accepted form, kept in the shortest."""

    code: str

    def __init__(self, code: str) -> None:
        object.__setattr__(self, "code", trimmed(code))

    @property
    def level(self) -> DivisionLevel:
        """Province, prefecture, county, township or village."""
        return level_of(self.code)

    @property
    def parent(self) -> Division | None:
        """The division one rank above; none above a province."""
        place = LENGTHS.index(len(self.code))
        return Division(self.code[: LENGTHS[place - 1]]) if place else None

    @property
    def code12(self) -> str:
        """Twelve digits, zeros for the ranks below."""
        return padded(self.code)

    def is_within(self, other: Division) -> bool:
        """Whether this division is ``other`` or lies below it."""
        return self.code.startswith(other.code)
