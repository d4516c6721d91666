"""The deposit list: ``deposit-list.json`` at the root of a deposit says what its files are.

Format ``lantai-deposit-list/1``: title, organ, case files (households with members and events) and records (one
document each with its files, type, households). Every fault is named with its position in the list. ID numbers stand in
the list in clear; they are sealed when case files are made and never reach findings or logs.
"""

from __future__ import annotations

import datetime as dt
import json
import unicodedata
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ingest.outcome import Finding

FILE_NAME = "deposit-list.json"
FILE_NAMES = frozenset(
    {
        FILE_NAME,
        *(f"{stem}.{ending}" for stem in ("deposit-list", "移交清单", "移交清單") for ending in ("xlsx", "csv")),
    }
)
"""Names of a list at the root of a deposit, in lower case; the spreadsheets are read by ``ingest.list_rows``."""
FORMAT: Literal["lantai-deposit-list/1"] = "lantai-deposit-list/1"


class _Entry(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)


class Person(_Entry):
    """Applicant or member of a household."""

    name: str = Field(default="", max_length=100)
    id_number: str | None = None
    relation: str | None = Field(default=None, max_length=40)
    note: str | None = Field(default=None, max_length=500)


class CaseEvent(_Entry):
    """Something that happened in a case, by the code of the profile."""

    event: str
    on: dt.date
    note: str = Field(default="", max_length=500)


class ListedCaseFile(_Entry):
    """One household in one programme (一户一档)."""

    household_no: str
    division_code: str
    programme: str
    title: str | None = Field(default=None, max_length=300)
    applicant: Person = Person()
    members: list[Person] = Field(default_factory=list)
    opened_on: dt.date | None = None
    stopped_on: dt.date | None = None
    events: list[CaseEvent] = Field(default_factory=list)
    facts: dict[str, bool] = Field(default_factory=dict)


class ListedRecord(_Entry):
    """One document with its files, in order; paths are relative to the list's folder."""

    title: str = Field(min_length=1, max_length=500)
    files: list[str] = Field(min_length=1)
    document_type: str | None = None
    household_nos: list[str] = Field(default_factory=list)
    programme: str | None = None
    date: dt.date | None = None
    year: int | None = Field(default=None, ge=1000, le=9999)
    author: str | None = Field(default=None, max_length=200)
    division_code: str | None = None
    document_number: str | None = Field(default=None, max_length=200)
    page_count: int | None = Field(default=None, ge=0, le=1_000_000)
    language: str | None = Field(default=None, max_length=20)
    persons: list[str] = Field(default_factory=list)
    access_level: str | None = None
    access_marks: list[str] = Field(default_factory=list)
    note: str | None = Field(default=None, max_length=2000)


class DepositList(_Entry):
    """The whole list."""

    format: Literal["lantai-deposit-list/1"]
    title: str | None = Field(default=None, max_length=300)
    synthetic: bool = False
    organ: str | None = None
    organs: list[dict[str, Any]] = Field(default_factory=list)
    case_files: list[ListedCaseFile] = Field(default_factory=list)
    records: list[ListedRecord] = Field(default_factory=list)


def position(location: tuple[int | str, ...]) -> str:
    """``("records", 3, "files", 0)`` as ``records[3].files[0]``."""
    text = ""
    for part in location:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text or "-"


def read(data: bytes, path: str = FILE_NAME) -> DepositList | list[Finding]:
    """The list in ``data``, or every fault in it; values are never repeated, they may be personal."""
    try:
        values = json.loads(data.decode("utf-8-sig"))
    except UnicodeDecodeError:
        return [_fault(path, "-", "不是 UTF-8 编码", "it is not UTF-8")]
    except json.JSONDecodeError as error:
        where = f"{error.lineno}:{error.colno}"
        return [_fault(path, where, "不是有效的 JSON", "it is not valid JSON")]
    except RecursionError:
        return [_fault(path, "-", "嵌套过深", "it is nested too deeply")]
    except ValueError:  # a number of more digits than Python takes (CVE-2020-10735)
        return [_fault(path, "-", "其中有过长的数字", "a number in it is too long")]
    try:
        return DepositList.model_validate(values)
    except ValidationError as error:
        return [
            _fault(path, position(one["loc"]), *reason(str(one["type"])))
            for one in error.errors(include_url=False, include_input=False, include_context=False)
        ]


_REASONS = {
    "missing": ("缺少这一项", "the key is missing"),
    "extra_forbidden": ("没有这一项", "there is no such key"),
    "string_type": ("应为文字", "text is expected"),
    "list_type": ("应为列表", "a list is expected"),
    "model_type": ("应为对象", "an object is expected"),
    "string_too_short": ("不能为空", "it must not be empty"),
    "too_short": ("不能为空", "it must not be empty"),
    "string_too_long": ("过长", "it is too long"),
    "literal_error": (f"应为 {FORMAT}", f"{FORMAT} is expected"),
}


def reason(kind: str) -> tuple[str, str]:
    """What is wrong with a value, in Chinese and English, by pydantic's word for it."""
    if kind.startswith("date"):
        return "应为日期（YYYY-MM-DD）", "a date (YYYY-MM-DD) is expected"
    return _REASONS.get(kind, ("值不合规", f"the value is not valid ({kind})"))


def _fault(path: str, where: str, zh: str, en: str) -> Finding:
    return Finding("list.malformed", path, {"position": where, "reason_zh": zh, "reason_en": en})


def is_list_name(name: str) -> bool:
    """Whether a file of this name is a deposit list when it lies at the root."""
    return unicodedata.normalize("NFC", name).lower() in FILE_NAMES


def tidy_path(path: str) -> str:
    """A path as people type it (``.\\甲\\乙.pdf``) with slashes and without ``./`` in front."""
    return path.strip().replace("\\", "/").removeprefix("./").strip("/")
