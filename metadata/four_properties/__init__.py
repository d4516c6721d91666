"""The four-property check (四性检测): its items by stage as DA/T 70-2018 orders them, and where findings belong.

``items.yaml`` is data, read as strictly as a profile: every fault names file, line, column and key.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from metadata.profile.loader import validated
from metadata.profile.models import STATUS_WORDS, Code, Entry, Provenance, Status
from metadata.profile.positions import Document, Path, read

__all__ = ["STAGES", "FourProperties", "Item", "Property", "Stage", "four_properties", "load"]

FILE = "items.yaml"
STAGES = ("G", "T", "P")
"""Filing (归档), hand-over and receipt (移交与接收), long-term preservation (长期保存)."""

_OWN = re.compile(r"DA/T 70 ([AIUX][0-9]{1,2})\Z")
# the profile's ``Text`` is meant for names; what is done about an item takes a sentence or two
Words = Annotated[str, StringConstraints(min_length=1, max_length=600, strip_whitespace=True)]


class Stage(Entry):
    """A stage of a record's life in which the check is made."""

    code: Literal["G", "T", "P"]
    zh: Words
    en: Words


class Property(Entry):
    """One of the four properties; ``letter`` begins the codes of its items."""

    code: Code
    letter: Literal["A", "I", "U", "X"]
    zh: Words
    en: Words


class Item(Entry):
    """One item of the check. ``does_zh`` and ``does_en`` say what the program does about it."""

    code: Annotated[str, StringConstraints(pattern=r"^[AIUX][1-9][0-9]?$")]
    zh: Words
    en: Words
    stages: Annotated[tuple[Literal["G", "T", "P"], ...], Field(min_length=1)]
    automatic: Literal["yes", "partly", "no"]
    household: bool = False
    status: Status
    does_zh: Words
    does_en: Words

    @property
    def status_words(self) -> tuple[str, str]:
        """How far the wording was compared with the standard, in Chinese and English."""
        return STATUS_WORDS[self.status]


class _Clause(Entry):
    clause: Words
    item: Code


class _Finding(Entry):
    code: Words
    item: Code


class _Several(Entry):
    code: Words
    items: Annotated[tuple[Code, ...], Field(min_length=1)]


class _File(Entry):
    schema_: Literal["four-properties/1"] = Field(alias="schema")
    provenance: Provenance
    stages: tuple[Stage, ...]
    properties: tuple[Property, ...]
    items: Annotated[tuple[Item, ...], Field(min_length=1)]
    clauses: tuple[_Clause, ...] = ()
    findings: tuple[_Finding, ...] = ()
    not_checked: tuple[Words, ...] = ()
    several: tuple[_Several, ...] = ()
    outside: tuple[Words, ...] = ()


@dataclass(frozen=True)
class FourProperties:
    """The items in the standard's order, and the tables that lead from a finding to its items."""

    provenance: Provenance
    stages: dict[str, Stage]
    properties: dict[str, Property]
    items: dict[str, Item]
    not_checked: frozenset[str]
    outside: frozenset[str]
    clauses: dict[str, str]
    findings: dict[str, str]
    several: dict[str, tuple[str, ...]]

    def of_stage(self, stage: str, *, household: bool = False) -> tuple[Item, ...]:
        """The items of a stage, in order; with ``household`` those besides that a household file is asked for."""
        return tuple(one for one in self.items.values() if stage in one.stages or (household and one.household))

    def property_of(self, item: str) -> Property:
        """The property to which the item belongs."""
        return next(one for one in self.properties.values() if one.letter == item[0])

    def items_of(self, code: str, clause: str) -> tuple[str, ...]:
        """The items that a finding of this code, citing this clause, is about; empty when it is outside all of them."""
        if code in self.outside:
            return ()
        if code in self.findings:
            return (self.findings[code],)
        if code in self.several:
            return self.several[code]
        own = _OWN.match(clause)
        if own is not None:
            return (own.group(1),)
        fitting = [one for one in self.clauses if clause.startswith(one)]
        return (self.clauses[max(fitting, key=len)],) if fitting else ()


def _faults(file: _File, document: Document) -> None:
    known = {one.code for one in file.items}
    letters = {one.letter for one in file.properties}
    wrong: list[tuple[Path, str, str]] = []
    seen: set[str] = set()
    for number, one in enumerate(file.items):
        if one.code in seen:
            wrong.append((("items", number, "code"), f"{one.code} 重复", f"{one.code} stands twice"))
        if one.code[0] not in letters:
            wrong.append((("items", number, "code"), "没有这一性质", "there is no such property"))
        seen.add(one.code)
    named: list[tuple[Path, str]] = [
        *((("clauses", number, "item"), one.item) for number, one in enumerate(file.clauses)),
        *((("findings", number, "item"), one.item) for number, one in enumerate(file.findings)),
        *((("several", number, "items"), item) for number, one in enumerate(file.several) for item in one.items),
    ]
    wrong += [(path, f"没有检测项目 {item}", f"there is no item {item}") for path, item in named if item not in known]
    if wrong:
        path, zh, en = wrong[0]
        raise document.fault(path, zh=zh, en=en, more=len(wrong) - 1)


def load(data: bytes, name: str = FILE) -> FourProperties:
    """The items in ``data``; ``Invalid`` (``profile.invalid``) names the place of whatever is wrong."""
    document = read(name, data)
    file = validated(document, _File)
    _faults(file, document)
    return FourProperties(
        provenance=file.provenance,
        stages={one.code: one for one in file.stages},
        properties={one.code: one for one in file.properties},
        items={one.code: one for one in file.items},
        not_checked=frozenset(file.not_checked),
        outside=frozenset(file.outside),
        clauses={one.clause: one.item for one in file.clauses},
        findings={one.code: one.item for one in file.findings},
        several={one.code: one.items for one in file.several},
    )


@lru_cache(maxsize=1)
def four_properties() -> FourProperties:
    """The items that come with the program."""
    return load((resources.files("metadata.four_properties") / FILE).read_bytes())
