"""The text of one file, page by page.

PDF by pypdfium2 (one text a page); Office, OpenDocument, RTF and mail by kreuzberg, whose cache is switched off because
it would keep restricted text in the user's home; OFD (GB/T 33190-2016) by its ``TextCode`` elements; text, CSV, JSON,
XML and HTML decoded here (byte-order mark, UTF-8, then GB18030), because kreuzberg takes Chinese text in GBK for
something else. Legacy Word (.doc) is left alone: what kreuzberg gives for Chinese is garbage.

Foreign bytes are parsed here: jobs call ``extract_files`` in a process of ``ingest.pool``, with limits on time and
memory. Limits on size are below; text beyond ``MOST_CHARACTERS`` is cut and the note says so.
"""

from __future__ import annotations

import codecs
import io
import re
import zipfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path, PurePath
from typing import Literal

import kreuzberg
import pypdfium2

from metadata import xml
from metadata.formats import OFD_MIME, OFD_PUID

State = Literal["done", "none", "failed", "not_applicable"]
MIB = 1 << 20
MOST_CHARACTERS = 5_000_000
MOST_PAGES = 5_000
MOST_BYTES = {"text": 32 * MIB, "html": 32 * MIB, "office": 128 * MIB, "ofd": 128 * MIB, "pdf": 512 * MIB}
_OFD_PART = 16 * MIB

_HTML = "text/html"
_OOXML = "application/vnd.openxmlformats-officedocument."
_ODF = "application/vnd.oasis.opendocument."
_OFFICE = {
    ".docx": _OOXML + "wordprocessingml.document",
    ".xlsx": _OOXML + "spreadsheetml.sheet",
    ".pptx": _OOXML + "presentationml.presentation",
    ".odt": _ODF + "text",
    ".ods": _ODF + "spreadsheet",
    ".xls": "application/vnd.ms-excel",
    ".ppt": "application/vnd.ms-powerpoint",
    ".rtf": "application/rtf",
    ".eml": "message/rfc822",
}
_OFFICE_PUIDS = {
    "fmt/412": _OFFICE[".docx"],
    "fmt/214": _OFFICE[".xlsx"],
    "fmt/215": _OFFICE[".pptx"],
    "fmt/291": _OFFICE[".odt"],
    "fmt/290": _OFFICE[".odt"],
    "fmt/136": _OFFICE[".odt"],
    "fmt/61": _OFFICE[".xls"],
    "fmt/126": _OFFICE[".ppt"],
    "fmt/278": _OFFICE[".eml"],
    "fmt/950": _OFFICE[".eml"],
}
_OFFICE_MIMES = {**{mime: mime for mime in _OFFICE.values()}, "text/rtf": _OFFICE[".rtf"]}
_TEXT_SUFFIXES = frozenset({".txt", ".csv", ".tsv", ".md", ".log", ".json", ".xml", ".yaml", ".yml"})
_TEXT_MIMES = frozenset({"application/json", "application/xml", "application/x-ndjson", "application/csv"})
_HTML_SUFFIXES = frozenset({".html", ".htm", ".xhtml"})
_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_CHARSET = re.compile(rb"<meta[^>]{0,200}charset\s*=\s*[\"']?\s*([A-Za-z0-9_.:-]{1,40})", re.IGNORECASE)
_META = re.compile(r"<meta[^>]{0,200}charset[^>]{0,200}>", re.IGNORECASE)
_OFD_PAGE = re.compile(r"(?:.*/)?Doc_(\d+)/Pages/Page_(\d+)/Content\.xml\Z")
_DROPPED = dict.fromkeys(map(ord, "\ufffe\uffff\x00\x02\x03"))  # pdfium's line-end hyphens and other non-characters


@dataclass(frozen=True, slots=True)
class ExtractedText:
    """What was read. ``none``: readable, and without text (a scan). ``note`` says what a person should know."""

    pages: list[str]
    engine: str
    state: State
    note: str = ""


@dataclass(frozen=True, slots=True)
class Reader:
    """How a file is read: ``kind`` one of ``MOST_BYTES``, the MIME type to read it as."""

    kind: str
    mime: str


def reader_for(mime: str | None, puid: str | None, name: str) -> Reader | None:
    """How a file of this format is read, or ``None`` when it has no text to read: images, sound, archives, unknown."""
    plain = (mime or "").split(";")[0].strip().lower()
    suffix = PurePath(name).suffix.lower()
    if puid == OFD_PUID or plain == OFD_MIME:
        return Reader("ofd", OFD_MIME)
    if plain == "application/pdf":
        return Reader("pdf", plain)
    if plain in {_HTML, "application/xhtml+xml"} or (plain.startswith("text/") and suffix in _HTML_SUFFIXES):
        return Reader("html", _HTML)
    office = _OFFICE_PUIDS.get(puid or "") or _OFFICE_MIMES.get(plain)
    if office is None and (suffix == ".eml" or plain in {"", "application/octet-stream", "application/zip"}):
        office = _OFFICE.get(suffix)  # identification found only the container, or nothing
    if office is not None:
        return Reader("office", office)
    if plain.startswith("text/") or plain in _TEXT_MIMES or plain.endswith(("+xml", "+json")):
        return None if plain.startswith("image/") else Reader("text", "text/plain")
    return Reader("text", "text/plain") if not plain and suffix in _TEXT_SUFFIXES else None


def extract(source: Path | bytes, mime: str | None, puid: str | None, name: str) -> ExtractedText:
    """Read the text of one file. Never raises for what the file holds: a file that cannot be read is ``failed``."""
    reader = reader_for(mime, puid, name)
    if reader is None:
        return ExtractedText([], "", "not_applicable")
    size = source.stat().st_size if isinstance(source, Path) else len(source)
    if size > MOST_BYTES[reader.kind] and reader.kind != "text":
        return ExtractedText([], "", "failed", f"larger than {MOST_BYTES[reader.kind]} bytes")
    try:
        return _READERS[reader.kind](source, reader.mime)
    except Exception as error:  # noqa: BLE001  hostile bytes: what a damaged ZIP or a parser raises has no end
        return ExtractedText([], _ENGINES[reader.kind], "failed", type(error).__name__)


def extract_files(items: Sequence[tuple[str, str | None, str | None, str]]) -> list[ExtractedText]:
    """``extract`` for files at ``(path, mime, puid, name)``; what a process of ``ingest.pool`` runs."""
    return [extract(Path(path), mime, puid, name) for path, mime, puid, name in items]


class _Unreadable(Exception):
    """The bytes are no text in any encoding that is tried."""


def _bytes_of(source: Path | bytes) -> bytes:
    return source.read_bytes() if isinstance(source, Path) else source


def _told(pages: Iterable[str], engine: str, note: str = "") -> ExtractedText:
    """The pages within the limit, cleaned; ``none`` when nothing but blanks is left."""
    kept: list[str] = []
    left = MOST_CHARACTERS
    for page in pages:
        clean = page.replace("\r\n", "\n").translate(_DROPPED)
        kept.append(clean[:left])
        left -= len(clean)
        if left < 0:
            note = f"only the first {MOST_CHARACTERS} characters"
            break
    if not any(page.strip() for page in kept):
        return ExtractedText([], engine, "none", note)
    return ExtractedText(kept, engine, "done", note)


# --- characters -------------------------------------------------------------------------------------------------------


def decode(data: bytes, *, cut: bool = False) -> tuple[str, str]:
    """Text and the encoding it was read in: byte-order mark, else UTF-8, else GB18030.

    ``cut``: the data is the beginning of something longer, so a character may be cut at its end. Raises ``_Unreadable``
    (no public error: ``extract`` answers ``failed``) for what is neither.
    """
    for mark, encoding in _BOMS:
        if data.startswith(mark):
            return _decode(data[len(mark) :], encoding, final=not cut), encoding
    if data.count(0) > len(data) // 1000:
        raise _Unreadable
    for encoding in ("utf-8", "gb18030"):
        try:
            return _decode(data, encoding, final=not cut), encoding
        except UnicodeDecodeError:
            continue
    text = data.decode("gb18030", "replace")
    if text.count("\ufffd") > len(text) // 100:
        raise _Unreadable
    return text, "gb18030"


def _decode(data: bytes, encoding: str, *, final: bool) -> str:
    return codecs.getincrementaldecoder(encoding)().decode(data, final)


def _read_text(source: Path | bytes, _mime: str) -> ExtractedText:
    most = MOST_BYTES["text"]
    if isinstance(source, Path):
        with source.open("rb") as opened:
            data = opened.read(most + 1)
    else:
        data = source[: most + 1]
    cut = len(data) > most
    text, encoding = decode(data[:most], cut=cut)
    return _told(text.split("\f"), f"lantai {encoding}", f"only the first {most} bytes" if cut else "")


def _read_html(source: Path | bytes, mime: str) -> ExtractedText:
    data = _bytes_of(source)
    named = _CHARSET.search(data[:4096])
    text = None
    if named and not data.startswith(tuple(mark for mark, _ in _BOMS)):
        try:
            text = data.decode(_widest(named.group(1).decode("ascii")))
        except (LookupError, UnicodeDecodeError):
            text = None  # the page lies about itself, as many do
    if text is None:
        text, _ = decode(data)
    clean = _META.sub("", text).encode("utf-8", "replace")
    return _told([_by_kreuzberg(clean, mime)], _ENGINES["html"])


def _widest(charset: str) -> str:
    """GB2312 and GBK as their superset: pages use characters that their declared set lacks."""
    return "gb18030" if charset.lower() in {"gb2312", "gbk", "x-gbk", "gb_2312-80"} else charset


# --- documents --------------------------------------------------------------------------------------------------------


def _by_kreuzberg(data: bytes, mime: str) -> str:
    config = kreuzberg.ExtractionConfig(use_cache=False)
    return str(kreuzberg.extract_bytes_sync(data, mime, config=config).content)


def _read_office(source: Path | bytes, mime: str) -> ExtractedText:
    return _told([_by_kreuzberg(_bytes_of(source), mime)], _ENGINES["office"])


def _read_pdf(source: Path | bytes, _mime: str) -> ExtractedText:
    document = pypdfium2.PdfDocument(source)
    try:
        pages = len(document)
        note = f"only the first {MOST_PAGES} of {pages} pages" if pages > MOST_PAGES else ""
        return _told((_pdf_page(document, number) for number in range(min(pages, MOST_PAGES))), _ENGINES["pdf"], note)
    finally:
        document.close()


def _pdf_page(document: pypdfium2.PdfDocument, number: int) -> str:
    page = document[number]
    try:
        words = page.get_textpage()
        try:
            return str(words.get_text_bounded(errors="replace"))
        finally:
            words.close()
    finally:
        page.close()


def _read_ofd(source: Path | bytes, _mime: str) -> ExtractedText:
    """Pages in order of document and page; the text of each text object in a line of its own."""
    opened = io.BytesIO(source) if isinstance(source, bytes) else source
    with zipfile.ZipFile(opened) as package:
        found = [(match, info) for info in package.infolist() if (match := _OFD_PAGE.match(info.filename))]
        found.sort(key=lambda one: (int(one[0].group(1)), int(one[0].group(2))))
        pages = []
        for _, info in found[:MOST_PAGES]:
            if info.file_size > _OFD_PART:
                raise _Unreadable
            with package.open(info) as part:
                root = xml.parse(part.read(_OFD_PART + 1))
            pages.append("\n".join("".join(map(str, code.itertext())) for code in root.iter("{*}TextCode")))
    return _told(pages, _ENGINES["ofd"])


_ENGINES = {
    "pdf": f"pypdfium2 {version('pypdfium2')}",
    "office": f"kreuzberg {version('kreuzberg')}",
    "html": f"kreuzberg {version('kreuzberg')}",
    "ofd": "lantai ofd",
    "text": "lantai text",
}
_READERS: dict[str, Callable[[Path | bytes, str], ExtractedText]] = {
    "pdf": _read_pdf,
    "office": _read_office,
    "html": _read_html,
    "ofd": _read_ofd,
    "text": _read_text,
}
