"""One cell of a deposit list at a time: where it stands, and its value in the type its field wants."""

from __future__ import annotations

import datetime as dt
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from pydantic import ValidationError

from ingest.deposit_list import reason, tidy_path
from ingest.list_columns import COLUMNS, HOUSEHOLDS, RECORDS, Column, SheetKind
from ingest.outcome import Finding
from ingest.spreadsheets import Cell, Row, Sheet, Uncomputed
from metadata import dates
from metadata.errors import Invalid
from metadata.household import check_household_no
from metadata.profile import Profile
from search.analysis import fold

_SEVERAL = re.compile(r"[、,，;；\n]+")
_SEVERAL_FILES = re.compile(r"[;；\n|]+")
_ENTRY = re.compile(r"(records|case_files)\[(\d+)\](?:\.(.*))?\Z", re.DOTALL)
_LONG_NUMBER = 10**15


@dataclass(slots=True)
class Places:
    """Where each entry stood: row by number of the entry, heading by field; rows of single files and persons."""

    rows: dict[str, list[int]] = field(default_factory=lambda: {"records": [], "case_files": []})
    headings: dict[str, dict[str, str]] = field(default_factory=lambda: {"records": {}, "case_files": {}})
    exact: dict[str, int] = field(default_factory=dict)
    sheets: dict[str, str] = field(default_factory=dict)

    def of(self, position: str) -> tuple[str, int, str] | None:
        """Sheet (empty: the list itself), row and heading of ``records[3].files[0]``; None for what is no row."""
        match = _ENTRY.match(position)
        if match is None or int(match.group(2)) >= len(self.rows[match.group(1)]):
            return None
        kind, number, rest = match.group(1), int(match.group(2)), match.group(3) or ""
        head = rest.split("[")[0].split(".")[0]
        head = {"applicant": "id_number", "members": "id_number"}.get(head, head) if kind == "case_files" else head
        row = self.exact.get(position) or self.exact.get(position.partition(".")[0] + "." + rest.split(".")[0])
        known = {one.field: one.zh for one in (RECORDS if kind == "records" else HOUSEHOLDS)}
        return (
            self.sheets.get(kind, ""),
            row or self.rows[kind][number],
            self.headings[kind].get(head, known.get(head, "")),
        )


def _spot(sheet: str, row: int, heading: str) -> dict[str, Any]:
    zh = (f"“{sheet}”表" if sheet else "") + f"第 {row} 行" + (f"“{heading}”" if heading else "")
    en = (f"sheet “{sheet}”, " if sheet else "") + f"row {row}" + (f", “{heading}”" if heading else "")
    return {"position": zh, "position_en": en, "row": row, "column": heading, "sheet": sheet}


def placed(found: Iterable[Finding], places: Places | None) -> Iterator[Finding]:
    """``found`` with positions as a person finds them in the spreadsheet: 第 7 行“户号”."""
    for one in found:
        spot = places.of(str(one.params.get("position", ""))) if places is not None else None
        yield one if spot is None else replace(one, params={**one.params, **_spot(*spot)})


@dataclass(slots=True)
class Table:
    """A sheet with its heading row understood."""

    kind: SheetKind
    sheet: Sheet
    name: str
    columns: dict[int, Column]
    shown: dict[int, str]
    rows: Sequence[Row]
    found: list[Finding]

    def heading(self, name: str) -> str:
        """The heading of a field as it stands in the sheet, else its usual one."""
        at = next((place for place, one in self.columns.items() if one.field == name), None)
        usual = next((one.zh for one in COLUMNS[self.kind] if one.field == name), name)
        return usual if at is None else self.shown[at]

    def fault(self, row: int, name: str, zh: str, en: str) -> None:
        """One more wrong cell."""
        told = _spot(self.name, row, self.heading(name))
        self.found.append(Finding("list.bad_value", None, {**told, "reason_zh": zh, "reason_en": en}))


def _text(cell: Cell) -> str:
    if isinstance(cell, float) and cell.is_integer():
        cell = int(cell)
    return "" if cell is None else str(cell).strip()


class Reader:
    """The cells of one row by field, each in the type its field wants."""

    def __init__(self, table: Table, row: Row, profile: Profile) -> None:
        self.table, self.row, self._profile = table, row, profile
        self.cells: dict[str, list[Cell]] = defaultdict(list)
        self.joined: set[str] = set()
        for at, column in table.columns.items():
            cell = row.cells[at] if at < len(row.cells) else None
            if isinstance(cell, Uncomputed):
                self.fault(
                    column.field,
                    "是公式，文件里没有保存计算结果；请改为数值",
                    "a formula without a saved result; put the value itself",
                )
                continue
            if cell is not None:
                self.cells[column.field].append(cell)
                if at in row.joined:
                    self.joined.add(column.field)

    def fault(self, name: str, zh: str, en: str) -> None:
        """A wrong cell of this row."""
        self.table.fault(self.row.number, name, zh, en)

    def text(self, name: str) -> str:
        """The field as text."""
        return _text(self.cells[name][0]) if self.cells[name] else ""

    def number_text(self, name: str) -> str:
        """A long number: refused when the spreadsheet made it a number, since its last digits are lost then."""
        cell = self.cells[name][0] if self.cells[name] else None
        if (isinstance(cell, int | float) and abs(cell) >= _LONG_NUMBER) or _is_scientific(cell):
            self.fault(
                name,
                "被表格软件当成数字，末几位已丢失；请把该列设为文本后重新填写",
                "the spreadsheet took it for a number and lost its last digits; format the column as text and enter it again",
            )
            return ""
        return _text(cell)

    def several(self, name: str) -> list[str]:
        """Values parted by 、 or commas, each once."""
        text = self.number_text(name) if name == "household_nos" else self.text(name)
        return list(dict.fromkeys(one.strip() for one in _SEVERAL.split(text) if one.strip()))

    def files(self) -> list[str]:
        """Paths, with / whatever they were written with."""
        paths = [_text(cell) for cell in self.cells["files"]]
        parts = [one.strip() for path in paths for one in _SEVERAL_FILES.split(path) if one.strip()]
        return list(dict.fromkeys(tidy_path(one) for one in parts))

    def day(self, name: str) -> dt.date | None:
        """A day however it is written."""
        cell = self.cells[name][0] if self.cells[name] else None
        if cell is None or isinstance(cell, dt.date):
            return cell
        day = dates.read(_text(cell))
        if day is None:
            self.fault(name, "不是完整的日期（如 2024-03-05）", "no whole date (such as 2024-03-05)")
        return day

    def whole(self, name: str, least: int, most: int) -> int | None:
        """A whole number within bounds."""
        text = self.text(name).removesuffix("页").removesuffix("年")
        if not text:
            return None
        if not text.isdecimal() or not least <= int(text[:9]) <= most:
            self.fault(name, f"应为 {least} 到 {most} 的整数", f"a whole number from {least} to {most} is expected")
            return None
        return int(text)

    def code(self, name: str, known: dict[str, Any]) -> str | None:
        """A code of the profile, written as code or as Chinese or English name; else as it was written."""
        text = self.text(name)
        if not text or text in known:
            return text or None
        if text.upper() in known:
            return text.upper()
        first = text.split()[0].upper()
        if first in known:
            return first
        told = fold(text).replace("(", "（").replace(")", "）")
        for code, one in known.items():
            if told in {fold(one.zh).replace("(", "（").replace(")", "）"), one.en.lower()}:
                return code
        return text

    def household_no(self, name: str) -> str:
        """A household number in its one form; one that is wrong stays as it is and is told by the check."""
        return number_of(self.number_text(name))


def _is_scientific(cell: Cell) -> bool:
    return isinstance(cell, str) and re.fullmatch(r"\d(\.\d+)?[eE]\+?\d{2}", cell.strip()) is not None


def number_of(text: str) -> str:
    """A household number in its one form; a wrong one as it was written, for the check to tell."""
    try:
        return check_household_no(text)
    except Invalid:
        return text


def valid(model: type[Any], values: dict[str, Any], reader: Reader, stand_in: dict[str, Any]) -> Any:
    """``model`` of ``values``; what it refuses is told and left out. Already told emptiness is filled silently."""
    values = {name: value for name, value in values.items() if value not in (None, "", [])}
    for name, value in stand_in.items():
        values.setdefault(name, value)
    try:
        return model.model_validate(values)
    except ValidationError as error:
        wrong: dict[str, Any] = {}
        for one in error.errors(include_url=False, include_input=False, include_context=False):
            name = str(one["loc"][0])
            if name not in wrong:
                reader.fault(name, *reason(str(one["type"])))
            wrong[name] = values.pop(name, None)
        return model.model_validate({**stand_in, **values})
