"""Pinyin of names: every way a name may be typed in Latin letters. Pure; names only, never full text.

A surname is read as surnames are (单 shan, 曾 zeng, 仇 qiu, 尉迟 yuchi; ``_SURNAMES``), and as the character is read
otherwise; every reading of the other characters counts, to a limit. ü is written v, u or yu (passports: LYU).
"""

from __future__ import annotations

import itertools
import re
from functools import lru_cache

from search import analysis

MOST = 24
"""Ways to write one name that are kept; the commonest readings come first."""

_LONGEST = 6
_READINGS = 4
_HAN = re.compile(f"[{analysis.HAN}]+")
_REMARK = re.compile(r"[（(〔\[【][^）)〕\]】]*[）)〕\]】]")
_LETTERS = re.compile(r"[a-z]{2,40}\Z")

# Surnames whose usual reading is not that of the character elsewhere. The first reading is the surname's.
_SURNAMES = {
    one.split(":")[0]: one.split(":")[1].split("/")
    for one in [
        "单:shan",
        "曾:zeng",
        "仇:qiu",
        "解:xie",
        "查:zha",
        "盖:ge/gai",
        "区:ou",
        "任:ren",
        "朴:piao",
        "冼:xian",
        "繁:po",
        "缪:miao/mou",
        "宓:mi/fu",
        "员:yun",
        "乐:yue/le",
        "折:she",
        "种:chong",
        "秘:bi",
        "黑:he",
        "翟:zhai/di",
        "华:hua",
        "纪:ji",
        "葛:ge",
        "隗:kui/wei",
        "召:shao",
        "燕:yan",
        "应:ying",
        "宁:ning",
        "洗:xian",
        "那:na",
        "覃:qin/tan",
        "谌:chen/shen",
        "郗:xi/chi",
        "过:guo",
        "牟:mou/mu",
        "祭:zhai",
        "都:du",
        "车:che",
        "贾:jia",
        "訾:zi",
        "逯:lu",
        "褚:chu",
        "晁:chao",
        "费:fei/bi",
        "薄:bo",
        "柏:bai",
        "句:gou",
        "阚:kan",
        "尹:yin",
        "石:shi",
        "沈:shen",
        "郇:xun/huan",
        "佴:nai",
        "钭:tou",
        "逄:pang",
        "麴:qu",
        "余:yu",
        "撒:sa",
        "洗:xian",
        "哈:ha",
        "六:lu",
        "能:nai",
        "卜:bu",
        "尉:wei/yu",
        "角:jue",
        "万:wan",
        "重:chong",
        "相:xiang",
        "曲:qu",
        "强:qiang",
        "藏:zang",
        "适:kuo/shi",
        "乜:nie/mie",
        "不:fou",
        "啜:chuai",
        "炅:gui",
        "郝:hao",
        "阙:que",
        "妫:gui",
        "芮:rui",
        "万俟:moqi",
        "尉迟:yuchi",
        "澹台:tantai",
        "长孙:zhangsun",
        "单于:chanyu",
        "令狐:linghu",
        "宇文:yuwen",
        "呼延:huyan",
        "鲜于:xianyu",
        "闾丘:lvqiu",
        "亓官:qiguan",
        "夏侯:xiahou",
        "欧阳:ouyang",
        "司徒:situ",
        "上官:shangguan",
        "皇甫:huangfu",
        "诸葛:zhuge",
        "独孤:dugu",
        "南宫:nangong",
        "东方:dongfang",
        "慕容:murong",
        "端木:duanmu",
        "拓跋:tuoba",
        "公冶:gongye",
        "濮阳:puyang",
        "宰父:zaifu",
        "谷梁:guliang",
        "贺兰:helan",
        "完颜:wanyan",
        "耶律:yelv",
        "赫连:helian",
        "申屠:shentu",
        "太史:taishi",
    ]
}
_COMPOUND = {name: readings[0] for name, readings in _SURNAMES.items() if len(name) == 2}
_SPLIT = {
    "moqi": ("mo", "qi"), "yuchi": ("yu", "chi"), "tantai": ("tan", "tai"), "zhangsun": ("zhang", "sun"),
    "chanyu": ("chan", "yu"),
}  # fmt: skip


@lru_cache(maxsize=30_000)
def _readings(one: str) -> tuple[str, ...]:
    """Readings of one character without tones, the commonest first."""
    from pypinyin import Style, pinyin  # its dictionaries take most of a second to load, and most commands read no name

    found = pinyin(one, style=Style.NORMAL, heteronym=True, errors="ignore")
    known = [reading for reading in (found[0] if found else []) if reading.isascii() and reading.isalpha()]
    return tuple(dict.fromkeys(known))[:_READINGS]


def _of_character(original: str, folded: str) -> tuple[str, ...]:
    """Readings of a character and of its folded form: 乾 is qian as well as gan."""
    return tuple(dict.fromkeys((*_readings(original), *_readings(folded))))[:_READINGS]


def _options(name: str, folded: str) -> list[tuple[str, ...]]:
    compound = _SPLIT.get(_COMPOUND.get(folded[:2], ""))
    options = [_of_character(one, plain) for one, plain in zip(name, folded, strict=True)]
    if compound and len(folded) > 2:
        options[:2] = [(compound[0],), (compound[1],)]
    elif folded[0] in _SURNAMES:
        options[0] = tuple(dict.fromkeys((*_SURNAMES[folded[0]], *options[0])))
    return options


def _borne(name: str) -> str:
    """The Han characters of a name without remarks in brackets: 张伟（已故） is 张伟."""
    return "".join(_HAN.findall(_REMARK.sub("", name)))


def _spellings(syllable: str) -> tuple[str, ...]:
    if "v" not in syllable:
        return (syllable,)
    return (syllable, syllable.replace("v", "u"), syllable.replace("v", "yu"))


@lru_cache(maxsize=50_000)
def readings(name: str) -> tuple[str, ...]:
    """The name in full pinyin, syllables joined: every usual way, at most ``MOST``. Nothing for what is no Han name."""
    name = _borne(name)
    if not 2 <= len(name) <= _LONGEST:
        return ()
    options = _options(name, analysis.fold(name))
    if not all(options):
        return ()
    spelt = [tuple(dict.fromkeys(way for one in some for way in _spellings(one))) for some in options]
    return tuple("".join(one) for one in itertools.islice(itertools.product(*spelt), MOST))


@lru_cache(maxsize=50_000)
def keys(name: str) -> tuple[str, ...]:
    """What a name is found by in Latin letters: ``readings`` and initials (张伟: zhangwei, zw)."""
    han = _borne(name)
    full = readings(han)
    if not full:
        return ()
    options = _options(han, analysis.fold(han))
    first = [tuple(dict.fromkeys(one[0] for one in some)) for some in options]
    initials = ("".join(one) for one in itertools.islice(itertools.product(*first), MOST))
    return tuple(dict.fromkeys((*full, *initials)))


def sound(text: str) -> str:
    """The commonest reading of Han characters, for words that sound alike; empty when one has none."""
    found = [_readings(one) for one in text]
    return "".join(one[0] for one in found) if found and all(found) else ""


def typed(folded: str) -> str | None:
    """Folded text as somebody's pinyin, or ``None`` when it has anything but Latin letters (apostrophes aside)."""
    letters = folded.replace("'", "").replace("’", "")
    return letters if _LETTERS.match(letters) else None
