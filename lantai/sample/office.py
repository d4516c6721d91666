"""Documents that offices write: PDF, DOCX, XLSX and plain text, with nothing in them that changes from run to run."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import lru_cache

import docx
import openpyxl
import typst
from noto_cjk_sans_otc import FONT_PATH

from lantai.sample.county import SYNTHETIC, chinese_date
from lantai.sample.pictures import Sheet

_ZIP_TIME = (1980, 1, 1, 0, 0, 0)
_MODIFIED = re.compile(rb"(<dcterms:modified[^>]*>)[^<]*(</dcterms:modified>)")


@lru_cache(maxsize=1)
def _fonts() -> typst.Fonts:
    # Only the font that comes with the program: the pages of a machine with other fonts would differ.
    return typst.Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=[str(FONT_PATH.parent)])


def pdf(sheet: Sheet, rows: Sequence[Sequence[str]] = (), *, archival: bool = False) -> bytes:
    """The sheet as PDF 1.7, or as PDF/A-2b when ``archival``; ``rows`` follow as a table, its heading first."""
    font = "Noto Sans CJK TC" if sheet.traditional else "Noto Sans CJK SC"
    parts = [
        f'#set page(paper: "a4", margin: 2.2cm, footer: align(center, text(8pt, fill: gray)[{SYNTHETIC}]))',
        f'#set text(font: "{font}", size: 11pt, lang: "zh")',
        f"#set document(title: {_typst(sheet.title)})",
        f"#align(center, text(18pt, {_typst(sheet.title)}))",
        f"#align(right, {_typst(sheet.number)})" if sheet.number else "",
        f"#table(columns: (3.2cm, 1fr), {', '.join(_typst(cell) for field in sheet.fields for cell in field)})",
        *(f"#par(first-line-indent: (amount: 2em, all: true), {_typst(paragraph)})" for paragraph in sheet.paragraphs),
    ]
    if rows:
        cells = ", ".join(_typst(cell) for row in rows for cell in row)
        parts.append(f"#table(columns: {len(rows[0])}, inset: 4pt, {cells})")
    parts += [f"#align(right, {_typst(sheet.signed)})", f"#align(right, {_typst(chinese_date(sheet.on))})"]
    made = typst.compile(
        "\n".join(parts).encode(),
        font_paths=_fonts(),
        timestamp=_noon(sheet),
        pdf_standards="a-2b" if archival else "1.7",
    )
    assert isinstance(made, bytes)
    return made


def _typst(text: str) -> str:
    """``text`` as a string of the typesetter's language."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def word(sheet: Sheet) -> bytes:
    """The sheet as DOCX."""
    document = docx.Document()
    document.add_heading(sheet.title, level=1)
    if sheet.fields:
        table = document.add_table(rows=0, cols=2)
        for label, value in sheet.fields:
            cells = table.add_row().cells
            cells[0].text, cells[1].text = label, value
    for paragraph in sheet.paragraphs:
        document.add_paragraph(paragraph)
    document.add_paragraph(f"{sheet.signed}　{chinese_date(sheet.on)}")
    document.add_paragraph(SYNTHETIC)
    properties = document.core_properties
    properties.title, properties.author, properties.comments = sheet.title, sheet.signed, SYNTHETIC
    properties.created = properties.modified = _noon(sheet).replace(tzinfo=None)
    return _repeatable(document.save, sheet)


def workbook(sheet: Sheet, rows: Sequence[Sequence[str | int]]) -> bytes:
    """The sheet as XLSX: its labels above, ``rows`` below with their heading first."""
    book = openpyxl.Workbook()
    page = book.active
    assert page is not None
    page.title = "Sheet1"
    for line in ([sheet.title], *sheet.fields, [], *rows, [], [sheet.signed, chinese_date(sheet.on)], [SYNTHETIC]):
        page.append(list(line))
    page.column_dimensions["A"].width = 22
    book.properties.title, book.properties.creator = sheet.title, sheet.signed
    book.properties.created = _noon(sheet).replace(tzinfo=None)
    return _repeatable(book.save, sheet)


def text(sheet: Sheet, lines: Sequence[str] = ()) -> bytes:
    """The sheet as GB18030 text with the line ends of Windows, as older systems of such offices export it."""
    head = [sheet.title, *(f"{label}：{value}" for label, value in sheet.fields)]
    tail = [f"{sheet.signed} {chinese_date(sheet.on)}", SYNTHETIC]
    return "\r\n".join([*head, "", *sheet.paragraphs, *lines, "", *tail, ""]).encode("gb18030")


def _noon(sheet: Sheet) -> datetime:
    return datetime(sheet.on.year, sheet.on.month, sheet.on.day, 12, tzinfo=UTC)


def _repeatable(save: Callable[[io.BytesIO], None], sheet: Sheet) -> bytes:
    """What ``save`` writes, without the time of writing that both office libraries put into it."""
    written, out = io.BytesIO(), io.BytesIO()
    save(written)
    moment = f"{_noon(sheet):%Y-%m-%dT%H:%M:%SZ}".encode()
    with zipfile.ZipFile(written) as source, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as target:
        for member in source.infolist():
            data = source.read(member)
            if member.filename == "docProps/core.xml":
                data = _MODIFIED.sub(rb"\g<1>" + moment + rb"\g<2>", data)
            target.writestr(zipfile.ZipInfo(member.filename, _ZIP_TIME), data, zipfile.ZIP_DEFLATED, 6)
    return out.getvalue()
