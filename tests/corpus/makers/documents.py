"""Office documents, pages and notes in every format in which they are handed in."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from datetime import date
from functools import cache

import openpyxl

from lantai.sample import office
from lantai.sample.papers import Sheet

SHEET = Sheet("低保申请书", (("申请人", "张三"),), ("家庭困难。",), "某村", date(2024, 5, 6))
_ODF = "urn:oasis:names:tc:opendocument:xmlns:"
_OOXML = "http://schemas.openxmlformats.org/"
Parts = dict[str, bytes]


@cache
def word() -> bytes:
    """A DOCX of one page."""
    return office.word(SHEET)


@cache
def workbook() -> bytes:
    """An XLSX of one sheet."""
    return office.workbook(SHEET, [("姓名", "金额"), ("张三", 320)])


@cache
def pdf(*, archival: bool = False) -> bytes:
    """A PDF with embedded Chinese fonts."""
    return office.pdf(SHEET, archival=archival)


def packed(parts: Parts) -> bytes:
    """``parts`` as a package."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as package:
        for name, part in parts.items():
            method = zipfile.ZIP_STORED if name == "mimetype" else zipfile.ZIP_DEFLATED
            package.writestr(zipfile.ZipInfo(name), part, method)  # of no particular day: the same bytes every time
    return out.getvalue()


def repacked(data: bytes, change: Callable[[Parts], object]) -> bytes:
    """A package with its parts changed."""
    with zipfile.ZipFile(io.BytesIO(data)) as package:
        parts = {name: package.read(name) for name in package.namelist()}
    change(parts)
    return packed(parts)


def with_parts(data: bytes, **more: bytes) -> bytes:
    """A package with parts added, ``__`` in their names for a slash and the last ``_`` for the dot."""
    named = {".".join(name.replace("__", "/").rsplit("_", 1)): part for name, part in more.items()}
    return repacked(data, lambda parts: parts.update(named))


@cache
def slides(count: int = 2) -> bytes:
    """A PPTX of ``count`` slides, as small as it can be."""
    space = f'xmlns:p="{_OOXML}presentationml/2006/main" xmlns:a="{_OOXML}drawingml/2006/main"'
    related = f"{_OOXML}officeDocument/2006/relationships"
    kind = "application/vnd.openxmlformats-officedocument.presentationml"
    rels = f'<Relationships xmlns="{_OOXML}package/2006/relationships">'
    numbers = range(1, count + 1)
    overrides = "".join(
        f'<Override PartName="/ppt/slides/slide{n}.xml" ContentType="{kind}.slide+xml"/>' for n in numbers
    )
    parts = {
        "[Content_Types].xml": f'<Types xmlns="{_OOXML}package/2006/content-types"><Default Extension="rels" '
        'ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Override PartName="/ppt/presentation.xml" '
        f'ContentType="{kind}.presentation.main+xml"/>{overrides}</Types>',
        "_rels/.rels": f'{rels}<Relationship Id="r1" Type="{related}/officeDocument" Target="ppt/presentation.xml"/></Relationships>',
        "ppt/presentation.xml": f"<p:presentation {space}/>",
        "ppt/_rels/presentation.xml.rels": rels
        + "".join(f'<Relationship Id="r{n}" Type="{related}/slide" Target="slides/slide{n}.xml"/>' for n in numbers)
        + "</Relationships>",
    }
    for n in numbers:
        parts[f"ppt/slides/slide{n}.xml"] = (
            f"<p:sld {space}><p:cSld><p:spTree><p:sp><p:txBody><a:p><a:r><a:t>第 {n} 页</a:t></a:r></a:p></p:txBody></p:sp>"
            "</p:spTree></p:cSld></p:sld>"
        )
    return packed({name: ('<?xml version="1.0" encoding="UTF-8"?>' + part).encode() for name, part in parts.items()})


def opendocument(kind: str = "text", *, body: str = "", manifest: str = "") -> bytes:
    """An ODT (``text``), ODS (``spreadsheet``) or ODP (``presentation``); ``manifest`` entries are added."""
    inner = (
        body
        or {
            "text": "<text:p>申请书</text:p>",
            "spreadsheet": '<table:table table:name="一"><table:table-row><table:table-cell><text:p>张三</text:p></table:table-cell>'
            "</table:table-row></table:table>",
            "presentation": "<text:p>公示</text:p>",
        }[kind]
    )
    spaces = " ".join(f'xmlns:{one}="{_ODF}{one}:1.0"' for one in ("office", "text", "table"))
    content = (
        f'<office:document-content {spaces} office:version="1.2"><office:body><office:{kind}>{inner}</office:{kind}>'
        "</office:body></office:document-content>"
    )
    media = f"application/vnd.oasis.opendocument.{kind}"
    listed = (
        f'<manifest:manifest xmlns:manifest="{_ODF}manifest:1.0" manifest:version="1.2">'
        f'<manifest:file-entry manifest:full-path="/" manifest:media-type="{media}"/>{manifest}</manifest:manifest>'
    )
    return packed(
        {"mimetype": media.encode(), "content.xml": content.encode(), "META-INF/manifest.xml": listed.encode()}
    )


def sheets(*rows: list[object], change: Callable[[openpyxl.Workbook], object] | None = None) -> bytes:
    """An XLSX of these rows."""
    book = openpyxl.Workbook()
    for row in rows:
        book.worksheets[0].append(row)
    if change is not None:
        change(book)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


RTF = b"{\\rtf1\\ansi\\ansicpg936{\\fonttbl{\\f0 SimSun;}}\\f0 Hello world, this is a note.\\par}"
"""A note as word processors of the nineties kept it."""


def html(body: str = "<p>张三</p>", charset: str = "utf-8") -> bytes:
    """A page of HTML that names its encoding."""
    text = f'<!DOCTYPE html><html><head><meta charset="{charset}"><title>公示</title></head><body>{body}</body></html>'
    return text.encode("gb18030" if charset.startswith("gb") else charset)
