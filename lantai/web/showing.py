"""Which files a browser can show, how, and why not: decided from the identified format, never from the name."""

from __future__ import annotations

from dataclasses import dataclass

from lantai.i18n import N_

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
