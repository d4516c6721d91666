"""Names as deposited (DA/T 70 A6, A8; RFC 8493 5.2): odd characters, clashes, lengths. Originals are kept in any case."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence

from ingest.files import FileRow, folder_of, name_of
from ingest.limits import IngestLimits
from ingest.outcome import Finding

_ORDINARY = re.compile(r"[0-9A-Za-z_./ ()\-\u4e00-\u9fff（）、《》〔〕·，。：；－—]*\Z")
_BIDI = frozenset("\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_RESERVED = re.compile(r"(con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?\Z", re.IGNORECASE)
_FORBIDDEN = re.compile(r'[<>:"|?*\\]')
_SHOWN = 5


def run(rows: Sequence[FileRow], limits: IngestLimits) -> Iterable[Finding]:
    """Findings about the names of all payload files."""
    seen: set[str] = set()
    folded: dict[str, str] = {}
    for row in rows:
        if row.role != "payload":
            continue
        path = row.path
        if path in seen:
            yield Finding("name.same", path)
        else:
            seen.add(path)
            other = folded.setdefault(unicodedata.normalize("NFC", path).casefold(), path)
            if other != path:
                yield Finding("name.clash", path, {"other": other})
        yield from _one(path, limits)


def _one(path: str, limits: IngestLimits) -> Iterable[Finding]:
    if not _ORDINARY.match(path) and (odd := _special(path)):
        yield Finding("name.special_character", path, {"characters": " ".join(odd[:_SHOWN])})
    parts = path.split("/")
    longest = max(len(part.encode("utf-8", "replace")) for part in parts)
    if longest > limits.name_bytes or len(path.encode("utf-8", "replace")) > limits.path_bytes:
        yield Finding("name.too_long", path)
    name = name_of(path)
    if (
        _FORBIDDEN.search(path)
        or name != name.strip()
        or any(part.endswith(".") or not part for part in parts)
        or any(_RESERVED.match(part) for part in (name, *folder_of(path).split("/")))
    ):
        yield Finding("name.not_portable", path)


def _special(path: str) -> list[str]:
    return sorted(
        {
            f"U+{ord(one):04X}"
            for one in path
            if one == "\ufffd" or one in _BIDI or unicodedata.category(one) in {"Cc", "Co", "Cs"}
        }
    )
