"""File formats: what identification found, and how fit a format is for the long term.

PUIDs are identifiers of the PRONOM registry. OFD (GB/T 33190-2016) has none there, so it carries an identifier of ours.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

OFD_PUID = "lantai-fmt/ofd"
OFD_MIME = "application/ofd"

_TEXT_LIKE = frozenset(
    {
        "application/json",
        "application/xml",
        "application/x-ndjson",
        "application/xhtml+xml",
        "application/yaml",
        "application/x-yaml",
    }
)


@dataclass(frozen=True, slots=True)
class Format:
    """The format of one file as identified; ``basis`` and ``warning`` are the identification tool's own words."""

    puid: str | None
    name: str = ""
    version: str = ""
    mime: str = ""
    basis: str = ""
    warning: str = ""


class Fitness(StrEnum):
    """What the repository does with a format: keep as it is, keep and convert, refuse, or ask a person."""

    ACCEPT = "accept"
    CONVERT = "convert"
    REFUSE = "refuse"
    UNKNOWN = "unknown"


_ACCEPT = (
    # PDF/A, OFD; TIFF, PNG, JPEG, JPEG 2000; text, XML, CSV; ODF, OOXML; WAV, FLAC; Matroska, MP4
    "fmt/95 fmt/354 fmt/476 fmt/477 fmt/478 fmt/353 fmt/11 fmt/12 fmt/13 fmt/42 fmt/43 fmt/44 fmt/645 fmt/1507 "
    "x-fmt/390 x-fmt/391 x-fmt/392 x-fmt/111 fmt/101 x-fmt/18 fmt/412 fmt/214 fmt/291 fmt/6 fmt/141 fmt/142 fmt/279 "
    f"fmt/199 fmt/569 {OFD_PUID}"
)
_CONVERT = (
    # PDF 1.0 to 2.0 and PDF/A-3; BMP; DOC, XLS; MP3; AVI
    "fmt/14 fmt/15 fmt/16 fmt/17 fmt/18 fmt/19 fmt/20 fmt/276 fmt/1129 fmt/479 fmt/480 fmt/481 "
    "fmt/114 fmt/115 fmt/116 fmt/117 fmt/118 fmt/119 fmt/40 fmt/61 fmt/134 fmt/5"
)
_REFUSE = "x-fmt/264 fmt/411 fmt/613 fmt/484"  # RAR and 7z inside a record: no open specification
_FITNESS = (
    dict.fromkeys(_ACCEPT.split(), Fitness.ACCEPT)
    | dict.fromkeys(_CONVERT.split(), Fitness.CONVERT)
    | dict.fromkeys(_REFUSE.split(), Fitness.REFUSE)
)


def fitness(puid: str | None) -> Fitness:
    """How fit a format is for the long term (DA/T 47, GB/T 18894); ``UNKNOWN`` for a PUID not judged yet."""
    return _FITNESS.get(puid or "", Fitness.UNKNOWN)


def is_image(mime: str | None) -> bool:
    """Whether the MIME type is that of a still image."""
    return _plain(mime).startswith("image/")


def is_text(mime: str | None) -> bool:
    """Whether the bytes are characters that a reader can be shown: ``text/*``, JSON, XML."""
    plain = _plain(mime)
    return plain.startswith("text/") or plain in _TEXT_LIKE or plain.endswith(("+xml", "+json"))


def is_sound(mime: str | None) -> bool:
    """Whether the MIME type is that of a sound recording."""
    return _plain(mime).startswith("audio/")


def is_video(mime: str | None) -> bool:
    """Whether the MIME type is that of a video."""
    return _plain(mime).startswith("video/")


def _plain(mime: str | None) -> str:
    return (mime or "").partition(";")[0].strip().lower()
