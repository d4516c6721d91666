"""The text of one file, page by page: which reader a format has, and reading without ever failing.

Foreign bytes are parsed here: jobs call ``extract_files`` in a process of ``ingest.pool``, with limits on time and
memory. Text beyond ``reading.MOST_CHARACTERS`` is cut and the note says so.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath

from ingest.extract import ofd, office, pdf, plain
from ingest.extract.reading import ExtractedText
from metadata.formats import OFD_MIME, OFD_PUID

_HTML = "text/html"
_ODF = "application/vnd.oasis.opendocument."
_OFFICE = {
    ".docx": office.DOCX,
    ".xlsx": office.XLSX,
    ".pptx": office.PPTX,
    ".odt": _ODF + "text",
    ".ods": _ODF + "spreadsheet",
    ".xls": "application/vnd.ms-excel",
    ".et": "application/vnd.ms-excel",
    ".ppt": "application/vnd.ms-powerpoint",
    ".dps": "application/vnd.ms-powerpoint",
    ".rtf": office.RTF,
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
_OFFICE_MIMES = {**{mime: mime for mime in _OFFICE.values()}, "text/rtf": office.RTF}
_LEGACY_SUFFIXES = frozenset({".doc", ".wps", ".dot"})
_LEGACY_PUIDS = frozenset({"fmt/37", "fmt/38", "fmt/39", "fmt/40", "fmt/609", "fmt/754", "x-fmt/45"})
_LEGACY_MIMES = frozenset({office.DOC, "application/wps-office.wps", "application/vnd.ms-works"})
_CONTAINERS = frozenset(
    {
        "",
        "application/octet-stream",
        "application/zip",
        "application/x-ole-storage",
        "application/cdfv2",
        "application/x-cdf",
    }
)
"""What identification says that found only the container, or nothing: there the name may decide."""
_TEXT_SUFFIXES = frozenset({".txt", ".csv", ".tsv", ".md", ".log", ".json", ".xml", ".yaml", ".yml"})
_TEXT_MIMES = frozenset({"application/json", "application/xml", "application/x-ndjson", "application/csv"})
_HTML_SUFFIXES = frozenset({".html", ".htm", ".xhtml"})
MOST_BYTES = {
    "html": plain.MOST_BYTES,
    "office": office.MOST_BYTES,
    "legacy": office.MOST_BYTES,
    "ofd": ofd.MOST_BYTES,
    "pdf": pdf.MOST_BYTES,
}
"""Larger files of these kinds are not read; of text the beginning is."""


@dataclass(frozen=True, slots=True)
class Reader:
    """How a file is read: ``kind`` text, html, office, legacy, ofd or pdf, and the MIME type to read it as."""

    kind: str
    mime: str


def reader_for(mime: str | None, puid: str | None, name: str) -> Reader | None:
    """How a file of this format is read, or ``None`` when it has no text to read: images, sound, archives, unknown."""
    known = (mime or "").split(";")[0].strip().lower()
    suffix = PurePath(name).suffix.lower()
    if puid == OFD_PUID or known == OFD_MIME:
        return Reader("ofd", OFD_MIME)
    if known == "application/pdf":
        return Reader("pdf", known)
    if known in {_HTML, "application/xhtml+xml"} or (known.startswith("text/") and suffix in _HTML_SUFFIXES):
        return Reader("html", _HTML)
    document = _office(known, puid or "", suffix)
    if document is not None:
        return document
    if known.startswith("text/") or known in _TEXT_MIMES or known.endswith(("+xml", "+json")):
        return None if known.startswith("image/") else Reader("text", "text/plain")
    return Reader("text", "text/plain") if not known and suffix in _TEXT_SUFFIXES else None


def _office(known: str, puid: str, suffix: str) -> Reader | None:
    if puid in _LEGACY_PUIDS or known in _LEGACY_MIMES or (known in _CONTAINERS and suffix in _LEGACY_SUFFIXES):
        return Reader("legacy", office.DOC)
    found = _OFFICE_PUIDS.get(puid) or _OFFICE_MIMES.get(known)
    if found is None and (suffix == ".eml" or known in _CONTAINERS):
        found = _OFFICE.get(suffix)
    return Reader("office", found) if found is not None else None


def extract(source: Path | bytes, mime: str | None, puid: str | None, name: str, soffice: str = "") -> ExtractedText:
    """Read the text of one file; ``soffice`` is LibreOffice's program for old Word files, when the site has it.

    Never raises for what the file holds: a file that cannot be read is ``failed``.
    """
    reader = reader_for(mime, puid, name)
    if reader is None:
        return ExtractedText([], "", "not_applicable")
    size = source.stat().st_size if isinstance(source, Path) else len(source)
    most = MOST_BYTES.get(reader.kind)
    if most is not None and size > most:
        return ExtractedText([], "", "failed", f"larger than {most} bytes")
    try:
        if reader.kind == "legacy":
            return office.read_legacy(source, reader.mime, soffice)
        return _READERS[reader.kind](source, reader.mime)
    except Exception as error:  # noqa: BLE001  hostile bytes: what a damaged ZIP or a parser raises has no end
        return ExtractedText([], reader.kind, "failed", type(error).__name__)


def extract_files(items: Sequence[tuple[str, str | None, str | None, str, str]]) -> list[ExtractedText]:
    """``extract`` for files at ``(path, mime, puid, name, soffice)``; what a process of ``ingest.pool`` runs."""
    return [extract(Path(path), mime, puid, name, soffice) for path, mime, puid, name, soffice in items]


_READERS: dict[str, Callable[[Path | bytes, str], ExtractedText]] = {
    "pdf": pdf.read_pdf,
    "office": office.read_office,
    "html": plain.read_html,
    "ofd": ofd.read_ofd,
    "text": plain.read_text,
}
