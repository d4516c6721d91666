"""Cells of a spreadsheet (XLSX, CSV) that somebody sent: read in a check process, as values only.

Everything here is hostile until read: an XLSX is a ZIP that may be a bomb, declares a million empty rows, holds
formulas that were never computed. ``read`` runs in a process of ``ingest.pool``; what it answers is plain.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
import re
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

Cell = str | int | float | dt.date | None

MOST_COLUMNS = 64
_MOST_PARTS = 2_000
_UNPACKED = 512 << 20
_RATIO = 200
_RATIO_FROM = 64 << 20
_LAST_ROW = 1_048_576
_LONGEST = 32_767
_MERGE = re.compile(rb'<mergeCell\b[^>]*?\bref="([A-Z]{1,3})(\d{1,7}):([A-Z]{1,3})(\d{1,7})"')
_MOST_MERGES = 20_000
_DOCTYPES = (b"<!DOCTYPE", b"<!ENTITY", b"<\x00!\x00D", b"\x00<\x00!\x00D")
_DELIMITERS = ",\t;，；"


@dataclass(frozen=True, slots=True)
class Uncomputed:
    """A formula whose result was not saved with it."""


@dataclass(frozen=True, slots=True)
class Row:
    """Row ``number`` as spreadsheet programs count; ``joined``: columns whose value is that of a merged cell above."""

    number: int
    cells: list[Cell | Uncomputed]
    joined: frozenset[int] = frozenset()


@dataclass(slots=True)
class Sheet:
    """The rows of one sheet that hold anything."""

    name: str
    rows: list[Row] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Why nothing could be read, in both languages; no values."""

    zh: str
    en: str


def read(items: Sequence[tuple[str, bytes, int]]) -> list[list[Sheet] | Unreadable]:
    """Sheets of each ``(name, bytes, most rows)``; the function that ``CheckPool.map`` calls."""
    return [_one(name, data, most) for name, data, most in items]


def _one(name: str, data: bytes, most: int) -> list[Sheet] | Unreadable:
    if data.startswith(b"\xd0\xcf\x11\xe0"):
        return Unreadable(
            "是旧版 XLS 或设有密码的文件，请另存为不设密码的 XLSX",
            "it is an old XLS or has a password; save it as plain XLSX",
        )
    try:
        sheets = _xlsx(data, most) if data.startswith(b"PK\x03\x04") else _csv(name, data, most)
    except _Refused as error:
        return error.why
    except (
        zipfile.BadZipFile,
        KeyError,
        ValueError,
        IndexError,
        TypeError,
        AttributeError,
        csv.Error,
        OSError,
        EOFError,
    ):
        return Unreadable("文件已损坏或不是表格", "it is damaged or no spreadsheet")
    except SyntaxError:  # xml.etree.ElementTree.ParseError is one
        return Unreadable("文件已损坏或不是表格", "it is damaged or no spreadsheet")
    return sheets


class _Refused(Exception):
    def __init__(self, zh: str, en: str) -> None:
        super().__init__(en)
        self.why = Unreadable(zh, en)


def _too_many(most: int) -> _Refused:
    return _Refused(f"超过 {most} 行，请分成几个清单", f"it has more than {most} rows; divide it into several lists")


# -- XLSX ----------------------------------------------------------------------------------------------------------


def _xlsx(data: bytes, most: int) -> list[Sheet]:
    import openpyxl  # heavy, and only this process needs it

    formulas, merges = _looked_through(data)
    book = openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=True, keep_links=False)
    raw = openpyxl.load_workbook(io.BytesIO(data), read_only=True, keep_links=False) if formulas else None
    sheets = []
    left = most
    for title in book.sheetnames:
        found = book[title]
        if not hasattr(found, "iter_rows"):  # a sheet that is one chart
            continue
        part = str(found._worksheet_path).lstrip("/")  # type: ignore[attr-defined]  # noqa: SLF001 - openpyxl names no other way to the part
        other = raw[title] if raw is not None and part in formulas else None
        sheet = Sheet(title, list(_rows(found, other, merges.get(part, []), left)))
        left -= len(sheet.rows)
        sheets.append(sheet)
    return sheets


def _looked_through(data: bytes) -> tuple[set[str], dict[str, list[tuple[int, int, int]]]]:
    """Parts with formulas, and vertical merges (column, first row, last row) by part; refused what may be a bomb."""
    formulas: set[str] = set()
    merges: dict[str, list[tuple[int, int, int]]] = {}
    with zipfile.ZipFile(io.BytesIO(data)) as opened:
        parts = opened.infolist()
        unpacked = sum(one.file_size for one in parts)
        bomb = unpacked > _RATIO_FROM and unpacked > _RATIO * max(1, len(data))
        if len(parts) > _MOST_PARTS or unpacked > _UNPACKED or bomb:
            raise _Refused("展开后过大，疑为压缩炸弹", "it expands too far; taken for a bomb")
        if any(one.flag_bits & 1 for one in parts):
            raise _Refused("设有密码", "it has a password")
        for one in parts:
            if not one.filename.endswith((".xml", ".rels")):
                continue
            is_sheet = one.filename.startswith("xl/worksheets/") and one.filename.endswith(".xml")
            with opened.open(one) as part:
                head = part.read(4096)
                if any(mark in head for mark in _DOCTYPES):
                    raise _Refused("含有实体声明，拒绝读取", "it declares entities and is refused")
                if is_sheet:
                    merges[one.filename] = _scan(part, head, one.filename, formulas)
    return formulas, merges


def _scan(part: Any, head: bytes, name: str, formulas: set[str]) -> list[tuple[int, int, int]]:
    found: list[tuple[int, int, int]] = []
    tail = b""
    chunk = head
    while chunk:
        text = tail + chunk
        if b"<f>" in text or b"<f " in text:
            formulas.add(name)
        for left, first, _right, last in _MERGE.findall(text):
            if int(last) > int(first) and len(found) < _MOST_MERGES:
                found.append((_column(left), int(first), min(int(last), _LAST_ROW)))
        cut = text.rfind(b"<")
        tail = text[cut:] if cut >= 0 and b">" not in text[cut:] else b""
        if len(tail) > 4096:
            tail = b""
        chunk = part.read(1 << 20)
    return found


def _column(letters: bytes) -> int:
    number = 0
    for one in letters:
        number = number * 26 + one - 64
    return number - 1


def _rows(found: Any, raw: Any, merges: list[tuple[int, int, int]], most: int) -> Iterator[Row]:
    bounds = {"min_row": 1, "max_row": _LAST_ROW, "min_col": 1, "max_col": MOST_COLUMNS}
    formulas = raw.iter_rows(**bounds, values_only=True) if raw is not None else None
    above: dict[int, tuple[int, Cell | Uncomputed]] = {}
    first: dict[int, list[tuple[int, int]]] = {}
    for column, start, last in merges:
        if column < MOST_COLUMNS:
            first.setdefault(start, []).append((column, last))
    count = 0
    for number, values in enumerate(found.iter_rows(**bounds, values_only=True), start=1):
        written = next(formulas, ()) if formulas is not None else ()
        if not above and number not in first and not any(one is not None for one in values) and not any(written):
            continue
        cells: list[Cell | Uncomputed] = [_cell(value) for value in values]
        for column, told in enumerate(written):
            if isinstance(told, str) and told.startswith("=") and column < len(cells) and cells[column] is None:
                cells[column] = Uncomputed()
        joined = _fill(cells, above, number)
        above.update({column: (last, cells[column]) for column, last in first.get(number, ()) if column < len(cells)})
        while cells and cells[-1] is None:
            cells.pop()
        if len(joined) == sum(one is not None for one in cells):
            continue  # nothing of its own
        count += 1
        if count > most:
            raise _too_many(most)
        yield Row(number, cells, joined)


def _fill(
    cells: list[Cell | Uncomputed], above: dict[int, tuple[int, Cell | Uncomputed]], number: int
) -> frozenset[int]:
    """Give the cells of a vertical merge the value that stands at its top."""
    joined = set()
    for column, (last, value) in list(above.items()):
        if number > last:
            del above[column]
        elif column < len(cells) and cells[column] is None and value is not None:
            cells[column] = value
            joined.add(column)
    return frozenset(joined)


def _cell(value: Any) -> Cell:
    if value is None or (isinstance(value, int | float) and not isinstance(value, bool)):
        return value
    if isinstance(value, dt.datetime):
        return value.date()
    if isinstance(value, dt.date):
        return value
    if isinstance(value, bool):
        return "是" if value else "否"
    text = str(value).strip()[:_LONGEST]
    return text or None


# -- CSV -----------------------------------------------------------------------------------------------------------


def _csv(name: str, data: bytes, most: int) -> list[Sheet]:
    text = _decoded(data)
    if "\x00" in text:
        raise _Refused("不是文字表格", "it is no text")
    csv.field_size_limit(1 << 20)
    head = text[:20_000].split("\n", 10)[:10]
    counts = {one: max(line.count(one) for line in head) for one in _DELIMITERS}
    delimiter = max(_DELIMITERS, key=lambda one: counts[one])
    sheet = Sheet(name)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    for values in reader:
        cells: list[Cell | Uncomputed] = [one.strip()[:_LONGEST] or None for one in values[:MOST_COLUMNS]]
        if any(one is not None for one in cells):
            if len(sheet.rows) >= most:
                raise _too_many(most)
            sheet.rows.append(Row(reader.line_num, cells))
    return [sheet]


def _decoded(data: bytes) -> str:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return _strict(data, "utf-16")
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise _Refused(
        "编码不是 UTF-8 或 GB18030，请另存为“CSV UTF-8”", "it is neither UTF-8 nor GB18030; save it as CSV UTF-8"
    )


def _strict(data: bytes, encoding: str) -> str:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError:
        raise _Refused("编码损坏", "its encoding is damaged") from None
