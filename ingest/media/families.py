"""Which opener a file is for: by what it is, and by its name only where identification knew nothing."""

from __future__ import annotations

from pathlib import PurePath

from ingest.identify import Identified
from metadata.formats import OFD_PUID

_OOXML = "application/vnd.openxmlformats-officedocument."
_ODF = "application/vnd.oasis.opendocument."
_BY_MIME = {
    "application/pdf": "pdf",
    "application/ofd": "ofd",
    "application/xml": "xml",
    "text/xml": "xml",
    "image/svg+xml": "xml",
    "text/html": "html",
    "application/xhtml+xml": "html",
    "application/json": "json",
    "application/x-ndjson": "text",
    "application/csv": "text",
    "application/rtf": "rtf",
    "text/rtf": "rtf",
    "application/msword": "legacy",
    "application/vnd.ms-excel": "legacy",
    "application/vnd.ms-powerpoint": "legacy",
    "application/x-ole-storage": "legacy",
    "application/cdfv2": "legacy",
    "application/encrypted": "legacy",
    "application/zip": "packed",
    "application/mp4": "sound",
    "application/ogg": "sound",
    "application/x-matroska": "sound",
    "application/vnd.rn-realmedia": "sound",
    "application/mxf": "sound",
}
_BY_NAME = {
    **dict.fromkeys((".docx", ".docm", ".xlsx", ".xlsm", ".pptx", ".pptm", ".odt", ".ods", ".odp"), "office"),
    **dict.fromkeys((".doc", ".xls", ".ppt", ".wps", ".et", ".dps"), "legacy"),
    **dict.fromkeys(
        (".jpg", ".jpeg", ".png", ".tif", ".tiff", ".gif", ".bmp", ".jp2", ".webp", ".heic", ".heif", ".avif"), "images"
    ),
    **dict.fromkeys((".mp4", ".m4a", ".mov", ".mp3", ".wav", ".avi", ".mkv", ".flac", ".wma", ".wmv"), "sound"),
    ".pdf": "pdf",
    ".ofd": "ofd",
    ".xml": "xml",
    ".html": "html",
    ".htm": "html",
    ".txt": "text",
    ".csv": "text",
    ".json": "json",
    ".rtf": "rtf",
}
_SILENT = frozenset({"", "application/octet-stream", "inode/x-empty"})
_CONTAINERS = frozenset({"packed", "legacy", "text"})
_GUESSED = frozenset({"images", "sound"})
"""Families some of whose kinds libmagic tells by two or three bytes, with which any file may begin."""


def family_of(found: Identified, name: str) -> str | None:
    """``images pdf office legacy ofd xml html json rtf text sound packed``, or None where nothing here opens it."""
    suffix = PurePath(name).suffix.lower()
    if found.puid == OFD_PUID:
        return "ofd"
    mimes = [one.strip().lower() for one in found.puid_mime.split(",")] if not found.by_name_only else []
    told = [family for family in map(_of_mime, [*mimes, found.mime.lower()]) if family is not None]
    best = next((one for one in told if one not in _CONTAINERS), told[0] if told else None)
    by_name = _BY_NAME.get(suffix)
    if best in _GUESSED and best != by_name and not _by_signature(found):
        return by_name  # without a signature of PRONOM and against the name it is no more than a guess
    if best == "packed" and by_name in {"office", "ofd"}:
        return by_name  # a document whose package is too damaged to be told from any ZIP
    if best == "text" and by_name in {"json", "html", "xml"} and found.by_name_only:
        return "text" if by_name == "xml" else by_name
    if best is None and (found.mime in _SILENT or found.puid is None):
        return by_name
    return best


def _by_signature(found: Identified) -> bool:
    return found.puid is not None and not found.by_name_only


def _of_mime(mime: str) -> str | None:
    if mime in _BY_MIME:
        return _BY_MIME[mime]
    if mime.startswith((_OOXML, _ODF)) or "macroenabled" in mime:
        return "office"
    kind = mime.partition("/")[0]
    if kind in {"audio", "video"}:
        return "sound"
    if kind == "image":
        return "images"
    if mime.endswith("+xml"):
        return "xml"
    return "text" if kind == "text" else None
