"""The fictional county: its townships, villages and organs, and its one source of chance."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import date

COUNTY = "990101"
COUNTY_NAME = "云岭县"
BUREAU = f"{COUNTY_NAME}民政局"
BUREAU_CODE = "bureau"
SYNTHETIC = "合成样例 SYNTHETIC"
PROGRAMME = "DB"


@dataclass(frozen=True, slots=True)
class Township:
    """A township and the code of its division."""

    code: str
    name: str


@dataclass(frozen=True, slots=True)
class Village:
    """A village, the last rank of the county."""

    code: str
    name: str
    township: Township


_QINGSONG = Township(f"{COUNTY}101", "青松镇")
_LIUXI = Township(f"{COUNTY}102", "柳溪镇")
TOWNSHIPS = (_QINGSONG, _LIUXI)
VILLAGES = (
    Village(f"{_QINGSONG.code}201", "东沟村", _QINGSONG),
    Village(f"{_LIUXI.code}201", "河湾村", _LIUXI),
    Village(f"{_QINGSONG.code}202", "北岭村", _QINGSONG),
    Village(f"{_LIUXI.code}202", "石桥村", _LIUXI),
)


def author(organ_level: str, village: Village) -> str:
    """The organ of ``organ_level`` that answers for a paper about a household of ``village`` (责任者)."""
    names = {
        "VC": f"{village.name}村民委员会",
        "TS": f"{village.township.name}人民政府",
        "CB": BUREAU,
        "CK": f"{COUNTY_NAME}居民家庭经济状况核对中心",
        "OD": f"{COUNTY_NAME}人力资源和社会保障局",
    }
    return names.get(organ_level, BUREAU)


def chance(*parts: object) -> random.Random:
    """A source of chance that is the same for the same ``parts`` on every machine and in every process."""
    return random.Random("/".join(str(part) for part in parts))  # noqa: S311  made-up data that must repeat, no secret


def chinese_date(on: date) -> str:
    """``on`` as papers write it: 2024年3月5日."""
    return f"{on.year}年{on.month}月{on.day}日"
