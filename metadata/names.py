"""Names of persons: one spelling to compare by, and masking for screens, notices and exports.

Rule of masking: the surname stays, everything after it becomes one star (张*), so that the length of the given name
is not shown either. Compound surnames stay whole (欧阳*).
"""

from __future__ import annotations

import re
import unicodedata

_COMPOUND = (
    "欧阳 歐陽 司马 司馬 上官 诸葛 諸葛 东方 東方 皇甫 尉迟 尉遲 公孙 公孫 慕容 令狐 司徒 宇文 长孙 長孫 端木 独孤 獨孤 "
    "南宫 南宮 百里 呼延 夏侯 轩辕 軒轅 赫连 赫連 澹台 澹臺 申屠 公羊 太史 钟离 鍾離 闻人 聞人 拓跋 西门 西門 东郭 東郭 濮阳 濮陽"
)
COMPOUND_SURNAMES = frozenset(_COMPOUND.split())
_HAN_GAP = re.compile(r"(?<=[^\x00-\x7f])\s+(?=[^\x00-\x7f])")
_DOTS = str.maketrans(dict.fromkeys("・•‧．∙⋅", "·"))


def normalise_name(name: str) -> str:
    """One spelling of a name: NFKC, one kind of middle dot, no blanks between Han characters (``张　三`` is ``张三``)."""
    plain = unicodedata.normalize("NFKC", name.translate(_DOTS)).strip()
    return re.sub(r"\s+", " ", _HAN_GAP.sub("", plain))


def surname_of(name: str) -> str:
    """The surname of a Chinese name; for a name in parts (dots, Latin) its first character."""
    plain = normalise_name(name)
    if len(plain) >= 3 and plain[:2] in COMPOUND_SURNAMES:
        return plain[:2]
    return plain[:1]


def mask_name(name: str) -> str:
    """Surname and one star; an empty name stays empty."""
    surname = surname_of(name)
    return surname + "*" if surname else ""
