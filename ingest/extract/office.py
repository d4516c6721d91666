"""Office documents, old and new, RTF and mail.

Most by kreuzberg. Sheets and slides are pages of their own. Legacy Word (``.doc``), of which kreuzberg gives garbage
for Chinese, by LibreOffice where a site has it, else by extractous (Apache Tika compiled). What is named ``.doc`` is
often RTF, HTML or plain text: that is looked at first.
"""

from __future__ import annotations

import io
import posixpath
import shutil
import subprocess
import tempfile
import zipfile
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from ingest.extract import kreuzberg, plain
from ingest.extract.reading import MIB, MOST_PAGES, ExtractedText, Unreadable, bytes_of, told
from metadata import xml

ENGINE = kreuzberg.ENGINE
MOST_BYTES = 128 * MIB
_OOXML = "application/vnd.openxmlformats-officedocument."
DOCX = _OOXML + "wordprocessingml.document"
XLSX = _OOXML + "spreadsheetml.sheet"
PPTX = _OOXML + "presentationml.presentation"
DOC = "application/msword"
RTF = "application/rtf"
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_PART = 32 * MIB
_SECONDS = 35.0
_RELATED = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"


def converter(setting: str) -> str:
    """The LibreOffice program that ``settings.office_converter`` means; empty when there is none."""
    return shutil.which("soffice" if setting == "auto" else setting) or "" if setting else ""


def read_office(source: Path | bytes, mime: str) -> ExtractedText:
    """A document by kreuzberg; workbooks sheet by sheet, presentations slide by slide."""
    data = bytes_of(source)
    if mime == PPTX:
        slides = _slides(data)
        if any(slide.strip() for slide in slides):
            return told(slides, "lantai pptx")
    result = kreuzberg.read(data, mime)
    if mime == XLSX and result.pages:
        return told(_sheets(data, result.pages), ENGINE)
    return told([str(result.content)], ENGINE)


def _sheets(data: bytes, pages: list[dict[str, object]]) -> list[str]:
    """Each sheet's name and rows; a tab between cells, so that words of neighbours do not run together."""
    with zipfile.ZipFile(io.BytesIO(data)) as package:
        book = xml.parse(_part(package, "xl/workbook.xml"))
        names = [str(one.get("name")) for one in book.iterfind("{*}sheets/{*}sheet")]
    texts = []
    for number, page in enumerate(pages[:MOST_PAGES]):
        rows = [names[number] if number < len(names) else "", str(page["content"] or "")]
        for table in page["tables"]:  # type: ignore[attr-defined]
            rows += ["\t".join(map(str, row)) for row in table.cells]
        texts.append("\n".join(row for row in rows if row))
    return texts


def _slides(data: bytes) -> list[str]:
    """The words of each slide, in the order in which they are shown."""
    with zipfile.ZipFile(io.BytesIO(data)) as package:
        root = "ppt/presentation.xml"
        targets = {
            str(one.get("Id")): posixpath.normpath(posixpath.join("ppt", str(one.get("Target")))).removeprefix("/")
            for one in xml.parse(_part(package, "ppt/_rels/presentation.xml.rels"))
        }
        order = [str(one.get(_RELATED)) for one in xml.parse(_part(package, root)).iter("{*}sldId")]
        slides = []
        for name in order[:MOST_PAGES]:
            slide = xml.parse(_part(package, targets[name]))
            paragraphs = ("".join(t.text or "" for t in one.iter("{*}t")) for one in slide.iter("{*}p"))
            slides.append("\n".join(one for one in paragraphs if one))
        return slides


def _part(package: zipfile.ZipFile, name: str) -> bytes:
    with package.open(name) as opened:
        data = opened.read(_PART + 1)
    if len(data) > _PART:
        raise Unreadable
    return data


def read_legacy(source: Path | bytes, _mime: str, soffice: str = "") -> ExtractedText:
    """What is called a Word document of before 2007, read as what it is."""
    data = bytes_of(source)
    head = data[:1024].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if data.startswith(b"PK\x03\x04"):
        return read_office(data, DOCX)
    if head.startswith(b"{\\rtf"):
        return read_office(data, RTF)
    if not data.startswith(_OLE):
        if b"<html" in head or head.startswith(b"<!doctype html"):
            return plain.read_html(data, "text/html")
        return plain.read_text(data, "text/plain")
    return _by_libreoffice(data, soffice) if soffice else _by_extractous(data)


def _by_libreoffice(data: bytes, soffice: str) -> ExtractedText:
    with tempfile.TemporaryDirectory(prefix="lantai-office-") as name:
        folder = Path(name)
        (folder / "in.doc").write_bytes(data)
        done = subprocess.run(  # noqa: S603  the converter that the site named
            [
                soffice,
                "--headless",
                "--norestore",
                f"-env:UserInstallation={(folder / 'profile').as_uri()}",
                "--convert-to",
                "docx",
                "--outdir",
                str(folder),
                str(folder / "in.doc"),
            ],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_SECONDS,
            check=False,
        )
        made = folder / "in.docx"
        if done.returncode != 0 or not made.exists():
            raise Unreadable
        return told([kreuzberg.read_bytes(made.read_bytes(), DOCX)], f"LibreOffice; {ENGINE}")


def _by_extractous(data: bytes) -> ExtractedText:
    if find_spec("extractous") is None:
        raise Unreadable
    # A native image of Java: loaded only in the process that reads text, never beside another foreign runtime.
    from extractous import Extractor

    text, _ = Extractor().set_extract_string_max_length(10 * MIB).extract_bytes_to_string(bytearray(data))
    return told([str(text)], f"extractous {version('extractous')}")
