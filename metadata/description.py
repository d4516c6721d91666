"""The description of one record: the core of DA/T 46, mapped to ISAD(G) and Dublin Core.

A description is a value; an edit makes another one, which is frozen as a numbered revision. ``model_dump(mode="json")``
is what revisions hold.
"""

from __future__ import annotations

import datetime as dt
import unicodedata
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, JsonValue, field_validator, model_validator

from metadata import dat46, divisions, dublin_core, isadg
from metadata.errors import Invalid
from metadata.levels import Level
from metadata.rights import AccessLevel

_JOINER = "；"
# Category Cc holds control characters, Co private use, Cs halves of surrogate pairs; U+FFFD marks damaged text.
_REFUSED_CATEGORIES = ("Cc", "Co", "Cs")
_BIDI_CONTROLS = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


class Description(BaseModel):
    """What is known about a record, in DA/T 46's terms; numbers in comments are its elements.

    ``fonds`` is the fonds number, ``year`` the filing year (the year of ``date`` when not given), ``persons`` names of
    persons whom the record concerns, ``extra`` further values by the depositor's own names.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)

    title: str = Field(min_length=1, max_length=500)  # M22
    document_type: str | None = None  # code of the profile's document catalogue
    level: Level = Level.ITEM  # M1
    fonds: str | None = None  # M9
    programme: str | None = None
    year: int | None = Field(default=None, ge=1000, le=9999)  # M11
    date: dt.date | None = None  # M33
    author: str | None = None  # M32
    division_code: str | None = None
    language: str = "zh"  # M44
    page_count: int | None = Field(default=None, ge=0)  # M43
    persons: list[str] = Field(default_factory=list)  # M28
    document_number: str | None = None  # M31
    security: Literal["", "公开", "国内", "内部", "秘密", "机密", "绝密"] = ""  # M38
    access_level: AccessLevel = AccessLevel.INTERNAL  # M74
    access_marks: list[str] = Field(default_factory=list)
    note: str | None = None  # M75
    extra: dict[str, JsonValue] = Field(default_factory=dict)

    @field_validator("title", "author", "document_number")
    @classmethod
    def _plain_characters(cls, text: str | None) -> str | None:
        """DA/T 70 A6: no control, private-use or bidirectional control characters, nothing damaged."""
        if text is not None and any(_is_refused(character) for character in text):
            raise ValueError("holds control, private-use or damaged characters; type it again")
        return text

    @field_validator("division_code")
    @classmethod
    def _division(cls, code: str | None) -> str | None:
        if not code:
            return None
        try:
            return divisions.checked(code)
        except Invalid as error:
            raise ValueError(str(error)) from error

    @model_validator(mode="before")
    @classmethod
    def _year_of_date(cls, values: Any) -> Any:
        if isinstance(values, dict) and values.get("year") is None and values.get("date"):
            return {**values, "year": int(str(values["date"])[:4])} if str(values["date"])[:4].isdigit() else values
        return values

    def revised(self, **changes: Any) -> Self:
        """A description with ``changes``, checked as a new one is."""
        return type(self).model_validate({**self.model_dump(), **changes})

    def to_dat46(self) -> dict[str, str]:
        """M number (or ``lantai:`` name) -> value, empty ones left out, in the order of the standard."""
        values = self._mapped(dat46.FIELDS)
        values["M1"] = self.level.aggregation_level
        values["M74"] = self.access_level.zh
        extra = {key: str(value) for key, value in self.extra.items() if key in dat46.ELEMENTS and value}
        values = {**extra, **values}
        order = {number: place for place, number in enumerate(dat46.ELEMENTS)}
        return dict(sorted(values.items(), key=lambda item: (order.get(item[0], len(order)), item[0])))

    def to_isadg(self) -> dict[str, str]:
        """Rule number of ISAD(G) -> value, empty ones left out."""
        values = self._mapped(isadg.FIELDS)
        if archival_code := self.extra.get("M8"):
            values["3.1.1"] = str(archival_code)
        if self.page_count is not None:
            values["3.1.5"] = f"{self.page_count} 页"
        return dict(sorted(values.items()))

    def to_dublin_core(self) -> dict[str, list[str]]:
        """Element -> its values; names of persons stay out."""
        return {element: [value] for element, value in sorted(self._mapped(dublin_core.FIELDS).items())}

    def _mapped(self, fields: dict[str, str]) -> dict[str, str]:
        dumped = self.model_dump(mode="json")
        return {
            element: text for field, element in fields.items() if (text := _as_text(dumped[field])) not in {"", None}
        }


def missing_mandatory(values: dict[str, str]) -> list[str]:
    """Mandatory elements of DA/T 46's file entity that ``values`` (as ``to_dat46`` gives them) lack, by number."""
    return [
        number
        for number in dat46.MANDATORY
        if dat46.ELEMENTS[number].entity == "file" and number not in _CONTAINERS and not values.get(number)
    ]


# Elements that only hold others and have no value of their own.
_CONTAINERS = frozenset({"M2", "M21", "M40", "M65"})


def _as_text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, list):
        return _JOINER.join(str(one) for one in value)
    return str(value)


def _is_refused(character: str) -> bool:
    return (
        character == "\ufffd" or character in _BIDI_CONTROLS or unicodedata.category(character) in _REFUSED_CATEGORIES
    )
