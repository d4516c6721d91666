"""Which files a browser can show, how, and why not: decided from the identified format, never from the name."""

from __future__ import annotations

import io
from dataclasses import dataclass

from PIL import Image, UnidentifiedImageError

from lantai.i18n import N_
from metadata.errors import Invalid

_IMAGES = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp", "image/bmp"})
_SCANS = frozenset({"image/tiff", "image/jp2"})
_SOUND = frozenset(
    {"audio/mpeg", "audio/mp4", "audio/ogg", "audio/wav", "audio/x-wav", "audio/vnd.wave", "audio/flac", "audio/aac"}
)
_FILM = frozenset({"video/mp4", "video/webm", "video/ogg"})
_KINDS = (
    ("image", _IMAGES),
    ("scan", _SCANS),
    ("pdf", frozenset({"application/pdf"})),
    ("audio", _SOUND),
    ("video", _FILM),
)
_PICTURED = frozenset({"image/heic", "image/heif", "image/jpx"})
_INLINE_NAMES = {"audio/x-wav": "audio/wav", "audio/vnd.wave": "audio/wav"}
_TEXT_OF = (
    "application/vnd.openxmlformats-officedocument",
    "application/vnd.oasis.opendocument",
    "application/msword",
    "application/vnd.ms-",
    "application/rtf",
    "application/xml",
    "application/json",
)
SCAN_BYTES = 64 << 20
_SCAN_PIXELS = 120_000_000
_SCAN_WIDTH = 1800
TEXT_SHOWN = 200_000


@dataclass(frozen=True, slots=True)
class Showing:
    """How a file is shown: ``kind`` image, scan, pdf, pages, audio, video, text or none; ``why`` it is not.

    ``pages``: browsers cannot show it, and pictures of its pages were made.
    """

    kind: str
    why: str = ""
    content_type: str = "application/octet-stream"

    @property
    def shows(self) -> bool:
        """Whether there is anything to see on the page."""
        return self.kind != "none"


def showing(mime: str | None, size: int, text_state: str, image_state: str = "") -> Showing:
    """How a file of format ``mime`` is shown; the states say whether its text was read and its pages were pictured."""
    mime = (mime or "").split(";")[0].strip().lower()
    if size == 0:
        return Showing("none", N_("The file is empty: it was deposited with 0 bytes."))
    kind = next((kind for kind, mimes in _KINDS if mime in mimes), "")
    if image_state == "done" and kind in {"", "scan"}:
        return Showing("scan" if kind and size <= SCAN_BYTES else "pages", content_type=mime)
    if not kind and mime in _PICTURED and image_state == "pending":
        return Showing("none", N_("Pictures of its pages are still being made; look again in a minute."))
    if not kind:
        return _text(mime, text_state)
    if kind == "scan" and size > SCAN_BYTES:
        return Showing("none", N_("The picture is too large to be shown on a page."))
    return Showing(kind, content_type=_INLINE_NAMES.get(mime, mime))


def _text(mime: str, text_state: str) -> Showing:
    if text_state == "done":
        return Showing("text")
    if mime.startswith("text/") or mime.startswith(_TEXT_OF):
        if text_state == "pending":
            return Showing("none", N_("Its text is still being read; look again in a minute."))
        return Showing("none", N_("Its text could not be read."))
    if not mime or mime == "application/octet-stream":
        return Showing("none", N_("Its format is not known, and unknown files are never run or shown here."))
    return Showing("none", N_("Browsers cannot show this format safely."))


def scan_page(data: bytes, leaf: int) -> tuple[bytes, str]:
    """Page ``leaf`` (from 1) of a multi-page picture as ``(bytes, media type)`` that every browser shows.

    ``Invalid`` (``file.not_a_picture``) when there is no such page or the bytes cannot be read as a picture.
    """
    try:
        with Image.open(io.BytesIO(data)) as picture:
            picture.seek(leaf - 1)
            if picture.width * picture.height > _SCAN_PIXELS:
                raise _unreadable()
            bilevel = picture.mode == "1"
            shown = picture.convert("L" if picture.mode in {"1", "L", "I;16"} else "RGB")
            if shown.width > _SCAN_WIDTH:
                shown = shown.resize((_SCAN_WIDTH, max(1, shown.height * _SCAN_WIDTH // shown.width)))
            out = io.BytesIO()
            shown.save(out, "PNG" if bilevel else "JPEG", quality=85)
            return out.getvalue(), "image/png" if bilevel else "image/jpeg"
    except (OSError, EOFError, ValueError, SyntaxError, UnidentifiedImageError, Image.DecompressionBombError) as error:
        raise _unreadable() from error


def scan_leaves(data: bytes) -> int:
    """How many pages a multi-page picture has; 1 when that cannot be told."""
    try:
        with Image.open(io.BytesIO(data)) as picture:
            return int(getattr(picture, "n_frames", 1))
    except (OSError, EOFError, ValueError, SyntaxError, UnidentifiedImageError, Image.DecompressionBombError):
        return 1


def _unreadable() -> Invalid:
    return Invalid(
        "file.not_a_picture",
        zh="这一页无法显示：图像读不出来，或没有这一页。可以下载原文件查看。",
        en="This page cannot be shown: the picture cannot be read or has no such page. Download the original instead.",
    )
