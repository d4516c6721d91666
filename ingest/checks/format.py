"""Formats (DA/T 70 A9, U3): what both tools found, files that are two things at once, and bytes after a proper end."""

from __future__ import annotations

import mmap
import re
import struct
from collections.abc import Iterable

from ingest.identify import Identified
from ingest.outcome import Finding, Outcome
from ingest.pool import Failed
from metadata.formats import Fitness, fitness

_SAME = (
    {"text/xml", "application/xml"},
    {"audio/wav", "audio/x-wav", "audio/vnd.wave", "audio/wave"},
    {"application/rtf", "text/rtf"},
    {"audio/mp3", "audio/mpeg", "audio/mpeg3"},
    {"image/bmp", "image/x-ms-bmp", "image/x-bmp"},
    {"audio/flac", "audio/x-flac"},
    {"application/gzip", "application/x-gzip"},
    {"video/avi", "video/x-msvideo", "video/msvideo"},
    {"video/mp4", "application/mp4", "video/quicktime", "audio/mp4", "video/x-m4v", "audio/x-m4a"},
    {"video/x-matroska", "application/x-matroska", "video/webm"},
    {"image/jp2", "image/jpx", "image/jpm"},
    {"image/heic", "image/heif", "image/heic-sequence", "image/heif-sequence"},
    {"application/json", "text/plain"},
    {"message/rfc822", "text/plain"},
    {"application/vnd.ms-excel", "application/msword", "application/vnd.ms-powerpoint", "application/x-ole-storage"},
)
_SILENT = {"", "application/octet-stream", "application/zip", "application/x-ole-storage", "application/CDFV2"}
"""Answers that say nothing against a more exact one."""

_HEAD = 4096
_PADDING = 16  # bytes after the end that mean nothing: line ends, the padding of some writers
_END_OF_ZIP = b"PK\x05\x06"
_ZIP_TAIL = 22 + 65_535
_PAGE = re.compile(rb"<(?:html|script|iframe|body|!doctype\s+html)[\s>]", re.IGNORECASE)
_MARKER = re.compile(rb"\xff([^\x00\xff\xd0-\xd7])")
_PNG_END = b"IEND\xaeB`\x82"
_ZIP_WORDS = ("zip", "openxmlformats", "opendocument", "java-archive", "epub", "ofd", "macroenabled")


def agrees(puid_mime: str, mime: str) -> bool:
    """Whether the two tools mean the same, or one of them says nothing. PRONOM lists several types with commas."""
    if mime in _SILENT or mime == "inode/x-empty":
        return True
    listed = {one.strip() for one in puid_mime.split(",")} - {""}
    if not listed or listed <= _SILENT or mime in listed:
        return True
    if mime.startswith("text/") and any(one.startswith("text/") for one in listed):
        return True
    return any(mime in group and listed & group for group in _SAME)


def run(path: str, size: int, found: Identified | Failed) -> Iterable[Finding]:
    """Findings about one file. A check that could not run is ``not_checked``."""
    if isinstance(found, Failed):
        yield Finding("format.not_checked", path, {"reason": found.reason}, Outcome.NOT_CHECKED)
        return
    if size == 0:
        return
    if found.puid is None:
        yield Finding("format.unidentified", path)
        return
    if not agrees(found.puid_mime, found.mime):
        told = {"puid": found.puid, "puid_mime": found.puid_mime, "mime": found.mime}
        yield Finding("format.disagreement", path, told)
    if fitness(found.puid) is Fitness.REFUSE:
        yield Finding("container.refused_kind", path, {"kind": found.name})


def run_bytes(path: str, found: Identified, data: mmap.mmap | bytes) -> Iterable[Finding]:
    """Findings about what the bytes are besides what identification says; ``data`` is the whole file."""
    other = _also(found, data)
    if other:
        yield Finding("format.polyglot", path, {"format": found.name or found.mime, "other": other})
        return
    extra = len(data) - _end(found, data)
    if extra > _PADDING:
        yield Finding("format.trailing_data", path, {"bytes": extra})


def _also(found: Identified, data: mmap.mmap | bytes) -> str:
    """What else a program might take the file for; empty for nothing."""
    mimes = f"{found.puid_mime} {found.mime}".lower()
    head = data[:_HEAD]
    packed = any(word in mimes for word in _ZIP_WORDS)
    if not packed and not found.mime.startswith("text/") and _zip_end(data) is not None:
        return "ZIP"
    early = head[:1024].find(b"%PDF-")
    if early >= 0 and "pdf" not in mimes and (packed or found.mime.startswith("image/")):
        return "PDF"
    if found.mime.startswith("image/") and "svg" not in mimes and _PAGE.search(head):
        return "HTML"
    return ""


def _zip_end(data: mmap.mmap | bytes) -> int | None:
    """Where a ZIP ends whose directory is really there (APPNOTE 4.3.16), or None."""
    tail = max(0, len(data) - _ZIP_TAIL)
    place = tail + data[tail:].rfind(_END_OF_ZIP)  # a slice: searching a map itself is slow
    if place < tail or place + 22 > len(data):
        return None
    entries, size, _, comment = (int(one) for one in struct.unpack_from("<HIIH", data, place + 10))
    directory = place - size
    if not entries or directory < 0 or data[directory : directory + 4] != b"PK\x01\x02":
        return None
    return place + 22 + comment


def _end(found: Identified, data: mmap.mmap | bytes) -> int:
    """Where the format itself ends; the end of the file where that cannot be told."""
    size = len(data)
    if data[:3] == b"\xff\xd8\xff":
        return size if data[-2:] == b"\xff\xd9" else _jpeg_end(data)
    if data[:4] == b"\x89PNG":
        place = data.rfind(_PNG_END)
        return place + len(_PNG_END) if place >= 0 else size
    if "pdf" in found.mime:
        place = data.rfind(b"%%EOF")
        rest = data[place + 5 : place + 5 + _HEAD].strip(b"\x00\r\n\t \x1a") if place >= 0 else b""
        return place + 5 if rest else size
    if data[:4] == b"RIFF" and size > 12:
        told = int(struct.unpack_from("<I", data, 4)[0]) + 8
        told += told % 2
        return told if told < size and data[told : told + 4] != b"RIFF" else size
    if data[:4] == b"PK\x03\x04":
        return min(size, _zip_end(data) or size)
    return size


def _jpeg_end(data: mmap.mmap | bytes) -> int:
    """The end of a JPEG: segments are stepped over, coded data is searched for the marker that ends it (ITU T.81 B.1)."""
    place = 2
    while (match := _MARKER.search(data, place)) is not None:
        kind, place = match.group(1)[0], match.end()
        if kind == 0xD9:
            return place
        if kind in {0x01, 0xD8}:
            continue
        if place + 2 > len(data):
            break
        place += int(struct.unpack_from(">H", data, place)[0])
    return len(data)
