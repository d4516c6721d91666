"""Result lists of a search as files: CSV and XLSX for people, JSON for programs, written row by row.

Text from deposits is data: a cell never becomes a formula. In CSV a cell that a spreadsheet would compute gets an
apostrophe in front; in XLSX every text is stored as text.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Sequence
from typing import IO, Any, Protocol

from lantai import i18n
from lantai.i18n import N_
from metadata.profile import Profile
from search.service import COLUMNS, Exported

MOST = 100_000
"""Rows that a file has at most; one that is cut says so in its last row."""

MEDIA_TYPES = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "json": "application/json",
}

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
_CHUNK = 1 << 16
_HEADINGS = {
    "kind": N_("Kind"),
    "title": N_("Title"),
    "household_no": N_("Household number"),
    "document_type": N_("Document type"),
    "programme": N_("Programme"),
    "year": N_("Year"),
    "date": N_("Date"),
    "organ": N_("Organ"),
    "division_code": N_("Division"),
    "access_level": N_("Access level"),
    "id": N_("Number"),
}
"""Columns as people read them, in their order; every one of ``search.service.COLUMNS``."""
WIDTHS = (10, 48, 22, 26, 18, 8, 12, 24, 16, 10, 40)
KINDS = {"record": N_("Record"), "household": N_("Case file")}
LEVELS = {"open": N_("Open"), "internal": N_("Internal"), "restricted": N_("Restricted")}
assert set(_HEADINGS) == set(COLUMNS)

Cell = str | int | None


class Table(Protocol):
    """A list on its way into a file: headings first."""

    def lines(self) -> Iterator[list[Cell]]:
        """Row by row."""


class Lines(Protocol):
    """A list as it is written: headings first, then rows."""

    def lines(self) -> Iterator[list[Cell]]:
        """Headings and rows."""
        ...


class ResultTable:
    """A result list in the words of ``profile`` and ``language``."""

    def __init__(self, found: Exported, profile: Profile, language: str) -> None:
        self._found = found
        self._profile = profile
        self._translated = i18n.translations(language)
        self._language = language

    def lines(self) -> Iterator[list[Cell]]:
        """Headings, rows, and a last line when the list is cut."""
        _ = self._translated.gettext
        yield [_(one) for one in _HEADINGS.values()]
        for row in self._found.rows:
            yield self._line(row)
        if self._found.count < self._found.total:
            told = _("Only the first %(count)s of %(total)s are listed. Narrow the search to get the others.")
            yield [told % {"count": f"{self._found.count:,}", "total": f"{self._found.total:,}"}]

    def _line(self, row: dict[str, Any]) -> list[Cell]:
        _ = self._translated.gettext
        worded = dict(row)
        worded["kind"] = _(KINDS.get(row["kind"], row["kind"]))
        if row["access_level"]:
            worded["access_level"] = _(LEVELS.get(row["access_level"], row["access_level"]))
        for name, known in (
            ("document_type", self._profile.document_types),
            ("programme", self._profile.programmes),
        ):
            one: Any = known.get(row[name] or "")
            if one is not None:
                worded[name] = (one.en if self._language == "en" else one.zh) or row[name]
        return [worded[name] for name in _HEADINGS]


def csv_chunks(table: Table) -> Iterator[bytes]:
    """UTF-8 with a byte-order mark, which spreadsheets need to see Chinese; rows end with CR LF (RFC 4180)."""
    out = io.StringIO(newline="")
    out.write("\ufeff")
    writer = csv.writer(out)
    for line in table.lines():
        writer.writerow([harmless(cell) for cell in line])
        if out.tell() >= _CHUNK:
            yield _taken(out)
    yield _taken(out)


def _taken(out: io.StringIO) -> bytes:
    text = out.getvalue()
    out.seek(0)
    out.truncate()
    return text.encode("utf-8", "replace")


def harmless(cell: Cell) -> Cell:
    """A cell of a CSV file that no spreadsheet computes: an apostrophe before what looks like a formula."""
    if isinstance(cell, str) and cell.lstrip(" ").startswith(_FORMULA):
        return "'" + cell
    return cell


def write_xlsx(table: Table, out: IO[bytes], *, widths: Sequence[int] = WIDTHS) -> None:
    """A workbook of one sheet; rows go to disk as they come. ``widths`` of the columns, in characters."""
    import openpyxl  # heavy; only who takes a workbook out needs it
    from openpyxl.cell import WriteOnlyCell
    from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE
    from openpyxl.styles import Font

    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet()
    sheet.freeze_panes = "A2"
    for number, width in enumerate(widths):
        sheet.column_dimensions[chr(ord("A") + number)].width = width
    for number, line in enumerate(table.lines()):
        cells = []
        for value in line:
            text = isinstance(value, str)
            cell = WriteOnlyCell(sheet, ILLEGAL_CHARACTERS_RE.sub("\ufffd", value) if isinstance(value, str) else value)
            if text:
                cell.data_type = "s"  # also what begins with = or looks like an error value
            if number == 0:
                cell.font = Font(bold=True)
            cells.append(cell)
        sheet.append(cells)
    book.save(out)


def json_chunks(found: Exported) -> Iterator[bytes]:
    """One object: ``total``, ``count``, ``cut``, and ``rows`` with their codes as they are."""
    head = {"total": found.total, "count": found.count, "cut": found.count < found.total}
    parts = [json.dumps(head)[:-1] + ', "rows": [']
    size = 0
    for number, row in enumerate(found.rows):
        parts.append((",\n" if number else "\n") + json.dumps(row, ensure_ascii=False))
        size += len(parts[-1])
        if size >= _CHUNK:
            yield "".join(parts).encode("utf-8", "replace")
            parts, size = [], 0
    parts.append("\n]}\n")
    yield "".join(parts).encode("utf-8", "replace")
