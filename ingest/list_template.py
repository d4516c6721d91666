"""The empty deposit list (移交清单模板): headings, an example row, a sheet with the codes of the profile."""

from __future__ import annotations

import io
from typing import Any

from ingest.list_columns import COLUMNS, Column
from metadata.profile import Profile
from metadata.rights import AccessLevel

_TEXT = frozenset({"household_nos", "household_no", "id_number", "document_type", "programme", "division_code"})
_ROWS_FORMATTED = 500


def workbook(profile: Profile) -> bytes:
    """The template as XLSX. Columns of long numbers are text, so that no spreadsheet rounds their last digits away."""
    import openpyxl  # only this and the reader need it
    from openpyxl.styles import Font, PatternFill

    book = openpyxl.Workbook()
    first = book.active
    if first is None:  # pragma: no cover - a new workbook has a sheet
        first = book.create_sheet()
    first.title = "移交清单"
    styles = (Font(bold=True), PatternFill("solid", fgColor="DDE6E0"), Font(italic=True, color="666666"))
    _fill(first, COLUMNS["records"], styles)
    _fill(book.create_sheet("户"), COLUMNS["households"], styles)
    _codes(book.create_sheet("代码"), profile)
    _explained(book.create_sheet("填写说明"))
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def _fill(sheet: Any, columns: tuple[Column, ...], styles: tuple[Any, Any, Any]) -> None:
    bold, wash, grey = styles
    sheet.append([f"{one.zh}{'*' if one.required else ''}" for one in columns])
    sheet.append([one.example or None for one in columns])
    sheet.freeze_panes = "A2"
    for number, one in enumerate(columns, start=1):
        head = sheet.cell(1, number)
        head.font, head.fill = bold, wash
        sheet.cell(2, number).font = grey
        letter = head.column_letter
        sheet.column_dimensions[letter].width = max(12, min(44, 3 + 2 * max(len(one.zh), len(one.example) // 2)))
        if one.field in _TEXT:
            sheet.column_dimensions[letter].number_format = "@"
            for row in range(2, _ROWS_FORMATTED):
                sheet.cell(row, number).number_format = "@"


def _codes(sheet: Any, profile: Profile) -> None:
    sheet.append(["用处", "代码", "名称", "Name"])
    for use, entries in (
        ("文件类型", profile.document_types.values()),
        ("救助项目", profile.programmes.values()),
        ("控制标识", profile.access_marks.values()),
    ):
        for one in entries:
            sheet.append([use, one.code, one.zh, one.en])
    for level in AccessLevel:
        sheet.append(["公开级别", level.value, level.zh, level.value])
    for letter, width in (("A", 12), ("B", 14), ("C", 40), ("D", 48)):
        sheet.column_dimensions[letter].width = width


def _explained(sheet: Any) -> None:
    sheet.append(["表", "列", "Column", "说明", "Note"])
    for name, kind in (("移交清单", "records"), ("户", "households")):
        for one in COLUMNS[kind]:  # type: ignore[index]  # the two kinds above
            need_zh, need_en = ("必填。", "Required. ") if one.required else ("", "")
            sheet.append([name, one.zh, one.en, need_zh + one.note_zh, need_en + one.note_en])
    for letter, width in (("A", 12), ("B", 14), ("C", 18), ("D", 60), ("E", 70)):
        sheet.column_dimensions[letter].width = width
