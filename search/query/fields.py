"""The fields that a query may name, and what their values mean in this archive (``Names``). Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from metadata.profile import Profile
from metadata.rights import ACCESS_LEVELS, AccessLevel
from search import analysis, formats
from search.query import dates, hints
from search.query.model import Between, Node, Value, Word

KINDS = ("record", "household")
"""What an entry may be about: a record, or a case file of the household register."""


@dataclass(frozen=True, slots=True)
class Field:
    """A field: its words in both languages, the first of each shown; its name in code is the first English one."""

    name: str
    zh: str
    also: tuple[str, ...] = ()


def _fields(*given: tuple[str, str, str]) -> dict[str, Field]:
    return {name: Field(name, zh, tuple(also.split())) for name, zh, also in given}


FIELDS = _fields(
    ("title", "题名", "标题 名称"),
    ("file", "文件名", "文件 filename"),
    ("name", "姓名", "人名 申请人 户主 person"),
    ("household", "户号", "户编号 household_no"),
    ("number", "身份证号", "身份证 公民身份号码 电话 手机 账号 id phone account"),
    ("ending", "尾号", "后四位 末四位 last4 tail"),
    ("code", "档号", "文号 发文字号 document_number"),
    ("type", "类型", "文件类型 种类"),
    ("programme", "项目", "救助项目 救助类型 program"),
    ("year", "年度", "年 年份"),
    ("date", "日期", "时间 成文日期"),
    ("organ", "单位", "机构 归档单位"),
    ("division", "区划", "行政区划 地区"),
    ("level", "级别", "控制标识 控制级别"),
    ("format", "格式", "文件格式 puid"),
    ("kind", "门类", "范围"),
)
ALIASES: dict[str, str] = {
    analysis.fold(alias): one.name for one in FIELDS.values() for alias in (one.name, one.zh, *one.also)
}
"""Folded word before the colon -> name of the field."""

_KIND_WORDS = {"record": "record", "件": "record", "档案": "record", "文件": "record",
               "household": "household", "户": "household", "户档": "household", "家庭": "household", "案卷": "household"}  # fmt: skip
_LEVEL_WORDS = {analysis.fold(level.zh): level.value for level in AccessLevel} | {one: one for one in ACCESS_LEVELS}
_DIVISION = re.compile(r"[0-9]{2,12}\Z")


@dataclass(frozen=True, slots=True)
class Coded:
    """Something with a code: what the index holds, and the words that people use for it."""

    value: str
    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Names:
    """What this archive calls things, so that 类型:申请书 finds code APP01. Empty: only codes are understood."""

    types: tuple[Coded, ...] = ()
    programmes: tuple[Coded, ...] = ()
    organs: tuple[Coded, ...] = ()
    divisions: tuple[Coded, ...] = field(default=())

    @classmethod
    def of(cls, profile: Profile, organs: Iterable[Any] = ()) -> Names:
        """The profile's names, and ``organs`` (rows with id, code, name_zh, name_en, division_prefix)."""
        rows = list(organs)
        return cls(
            _coded({code: (one.zh, one.en) for code, one in profile.document_types.items()}),
            _coded({code: (one.zh, one.en) for code, one in profile.programmes.items()}),
            _coded({row.id: (row.code, row.name_zh, row.name_en) for row in rows}),
            _coded({row.division_prefix: (row.name_zh, row.name_en) for row in rows if row.division_prefix}),
        )


def _coded(known: Mapping[str, tuple[str, ...]]) -> tuple[Coded, ...]:
    return tuple(Coded(value, tuple(word for word in words if word)) for value, words in known.items())


def _resolved(folded: str, known: tuple[Coded, ...]) -> tuple[str, ...]:
    """Values meant by a code or name; several when the word is part of several names."""
    wanted = analysis.key_of(folded)
    if not wanted:
        return ()
    named = [(one.value, [analysis.key_of(word) for word in (one.value, *one.words)]) for one in known]
    exact = tuple(value for value, words in named if wanted in words)
    return exact or tuple(value for value, words in named if any(wanted in word for word in words[1:]))


def attribute(name: str, folded: str, place: int, names: Names) -> Node:
    """The condition of a field whose values are attributes; ``Invalid`` with the values that there are."""
    if name in {"date", "year"}:
        return _time(name, folded, place)
    if name == "format":
        found = formats.asked(folded)
        if found is None:
            raise hints.unknown_value(place, "格式", (*formats.GROUPS, "pdf", "ofd"))
        return Word(terms=(found[1],)) if found[1] else Value("format", found[0])
    if name == "kind":
        kind = _KIND_WORDS.get(folded.strip())
        if kind is None:
            raise hints.unknown_value(place, "门类", ("档案", "户档"))
        return Value("kind", (kind,))
    if name == "level":
        level = _LEVEL_WORDS.get(folded.strip())
        if level is None:
            raise hints.unknown_value(place, "级别", (one.zh for one in AccessLevel))
        return Value("level", (level,))
    if name == "division" and _DIVISION.match(folded.strip()):
        return Value("division", (folded.strip(),))
    return _named(name, folded, place, names)


def _named(name: str, folded: str, place: int, names: Names) -> Node:
    known = {
        "type": names.types,
        "programme": names.programmes,
        "organ": names.organs,
        "division": names.divisions,
    }[name]
    values = _resolved(folded, known)
    if not values and not known:
        values = (folded.strip().upper() if name != "organ" else folded.strip(),)
    if not values:
        # Organs and places are not listed: their names may be more than the person should see.
        shown = (one.words[0] for one in known if one.words) if name in {"type", "programme"} else ()
        raise hints.unknown_value(place, FIELDS[name].zh, shown)
    if name == "type":
        return Value("type", values)
    if name == "programme":
        return Value("programme", values)
    return Value("organ", values) if name == "organ" else Value("division", values)


def _time(name: str, folded: str, place: int) -> Node:
    found = dates.days(folded) if name == "date" else dates.years(folded)
    if found is None:
        raise hints.bad_date(place)
    return Between("day" if name == "date" else "year", *found)
