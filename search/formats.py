"""Formats as people name them: one short word a file (``pdf``, ``jpg``, ``docx``), and groups of them (图片). Pure."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

from metadata.formats import OFD_MIME, OFD_PUID

OTHER = "other"
"""A file whose format has no short word here."""

_MIMES = {
    "application/pdf": "pdf",
    OFD_MIME: "ofd",
    "application/msword": "doc",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": "docx",
    "application/vnd.oasis.opendocument.text": "odt",
    "application/rtf": "rtf",
    "text/rtf": "rtf",
    "application/vnd.ms-excel": "xls",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "xlsx",
    "application/vnd.oasis.opendocument.spreadsheet": "ods",
    "text/csv": "csv",
    "application/vnd.ms-powerpoint": "ppt",
    "application/vnd.openxmlformats-officedocument.presentationml.presentation": "pptx",
    "text/plain": "txt",
    "text/html": "html",
    "application/xhtml+xml": "html",
    "application/xml": "xml",
    "text/xml": "xml",
    "message/rfc822": "eml",
    "image/jpeg": "jpg",
    "image/png": "png",
    "image/tiff": "tif",
    "image/bmp": "bmp",
    "image/gif": "gif",
    "image/webp": "webp",
    "image/heic": "heic",
    "image/heif": "heic",
    "image/jp2": "jp2",
    "audio/wav": "wav",
    "audio/x-wav": "wav",
    "audio/mpeg": "mp3",
    "audio/flac": "flac",
    "audio/mp4": "m4a",
    "video/mp4": "mp4",
    "video/x-msvideo": "avi",
    "video/x-matroska": "mkv",
    "video/quicktime": "mov",
    "application/zip": "zip",
}
_ALSO = {"jpeg": "jpg", "tiff": "tif", "htm": "html", "text": "txt", "heif": "heic", "wave": "wav", "mpg": "mpeg"}
SHORT = frozenset(_MIMES.values())
"""The short words that there are."""

GROUPS: dict[str, tuple[str, ...]] = {
    "图片": ("jpg", "png", "tif", "bmp", "gif", "webp", "heic", "jp2"),
    "文档": ("pdf", "ofd", "doc", "docx", "odt", "rtf", "txt", "html"),
    "表格": ("xls", "xlsx", "ods", "csv"),
    "录音": ("wav", "mp3", "flac", "m4a"),
    "视频": ("mp4", "avi", "mkv", "mov"),
    "邮件": ("eml",),
}
_SAME_GROUP = {
    "照片": "图片", "图像": "图片", "影像": "图片", "image": "图片", "images": "图片", "picture": "图片", "photo": "图片",
    "document": "文档", "spreadsheet": "表格", "电子表格": "表格", "音频": "录音", "声音": "录音", "audio": "录音",
    "sound": "录音", "录像": "视频", "video": "视频", "mail": "邮件", "email": "邮件",
}  # fmt: skip
_PUID = re.compile(r"(?:x-)?fmt/\d{1,5}\Z")


def short(mime: str | None, name: str = "") -> str:
    """The short word of a file's identified type; without one, of its name's ending when that is a known word."""
    plain = (mime or "").partition(";")[0].strip().lower()
    if plain in _MIMES:
        return _MIMES[plain]
    ending = PurePosixPath(name.lower()).suffix[1:]
    ending = _ALSO.get(ending, ending)
    return ending if not plain and ending in SHORT else OTHER


def puid_term(puid: str) -> str:
    """The exact term of a PRONOM identifier."""
    return "f:" + puid.lower()


def asked(folded: str) -> tuple[tuple[str, ...], str | None] | None:
    """What somebody means by a format: short words, or the term of an identifier; ``None`` when neither."""
    plain = folded.strip().lstrip(".")
    if _PUID.match(plain) or plain == OFD_PUID:
        return (), puid_term(plain)
    group = _SAME_GROUP.get(plain, plain)
    if group in GROUPS:
        return GROUPS[group], None
    plain = _ALSO.get(plain, plain)
    return ((plain,), None) if plain in SHORT or plain == OTHER else None
