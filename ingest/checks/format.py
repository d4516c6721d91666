"""Formats (DA/T 70 A9, U3): what identification found against the name and between the two tools."""

from __future__ import annotations

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
    {"video/mp4", "video/quicktime", "audio/mp4", "video/x-m4v", "audio/x-m4a"},
    {"video/x-matroska", "application/x-matroska", "video/webm"},
    {"image/jp2", "image/jpx", "image/jpm"},
    {"application/json", "text/plain"},
    {"message/rfc822", "text/plain"},
    {"application/vnd.ms-excel", "application/msword", "application/vnd.ms-powerpoint", "application/x-ole-storage"},
)
_SILENT = {"", "application/octet-stream", "application/zip", "application/x-ole-storage", "application/CDFV2"}
"""Answers that say nothing against a more exact one."""


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
    if found.mismatch:
        yield Finding("format.extension_mismatch", path, {"format": found.name, "puid": found.puid})
    if not agrees(found.puid_mime, found.mime):
        told = {"puid": found.puid, "puid_mime": found.puid_mime, "mime": found.mime}
        yield Finding("format.disagreement", path, told)
    if fitness(found.puid) is Fitness.REFUSE:
        yield Finding("container.refused_kind", path, {"kind": found.name})
