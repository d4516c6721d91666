"""Container safety, judged on the directory alone, before a byte is unpacked (DA/T 70 A12, U7, X3; RFC 8493 5.1)."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence

from ingest.containers import Member
from ingest.limits import IngestLimits
from ingest.outcome import Finding

_DRIVE = re.compile(r"[A-Za-z]:")
_SHORTEST_ENTRY = 30  # bytes of a ZIP entry's own header


def is_unsafe(path: str) -> bool:
    """Whether a path inside a container could lead out of it: absolute, ``..``, a drive, a backslash, NUL, ``~``."""
    if not path or "\x00" in path or "\\" in path or path.startswith(("/", "~")) or _DRIVE.match(path):
        return True
    parts = path.rstrip("/").split("/")
    return any(part in {"", ".", ".."} for part in (parts[1:] if parts[0] == "." else parts))


def run(container: str, packed_bytes: int, members: Sequence[Member], limits: IngestLimits) -> Iterable[Finding]:
    """Findings about the container named ``container``; any error keeps it shut."""
    yield from _entries(container, members)
    yield from _names(container, members)
    yield from _sizes(container, packed_bytes, members, limits)
    if not any(member.kind == "file" for member in members):
        yield Finding("container.empty", container)


def _entries(container: str, members: Sequence[Member]) -> Iterable[Finding]:
    about = {"container": container}
    for member in members:
        path = member.name.text
        if is_unsafe(path):
            yield Finding("container.unsafe_path", path, about)
        if member.kind == "link":
            yield Finding("container.link", path, about)
        elif member.kind == "special":
            yield Finding("container.special_file", path, about)
        if member.encrypted:
            yield Finding("container.encrypted", path, about)
        if not member.supported:
            yield Finding("container.unsupported", path, about)


def _names(container: str, members: Sequence[Member]) -> Iterable[Finding]:
    exact: set[str] = set()
    folded: dict[str, str] = {}
    for member in members:
        path = member.name.text
        plain = path.removeprefix("./").rstrip("/")
        if member.kind == "folder":
            continue
        if plain in exact:
            yield Finding("container.duplicate_name", path, {"container": container})
            continue
        exact.add(plain)
        other = folded.setdefault(unicodedata.normalize("NFC", plain).casefold(), plain)
        if other != plain:
            yield Finding("container.clashing_name", path, {"container": container, "other": other})


def _sizes(container: str, packed_bytes: int, members: Sequence[Member], limits: IngestLimits) -> Iterable[Finding]:
    total = sum(member.size for member in members)
    if total > limits.container_bytes:
        yield Finding("container.too_large", container, {"limit": limits.container_bytes})
    ratio = total // max(1, packed_bytes)
    if total > limits.container_ratio_from and ratio > limits.container_ratio:
        yield Finding("container.bomb", container, {"ratio": ratio, "limit": limits.container_ratio})
    if all(hasattr(member.raw, "compress_type") for member in members) and _overlap(members):
        yield Finding("container.overlap", container)


def _overlap(members: Sequence[Member]) -> bool:
    """Whether two entries share bytes, as bombs of overlapping entries do."""
    end = 0
    for member in sorted(members, key=lambda one: one.offset):
        if member.offset < end:
            return True
        end = member.offset + _SHORTEST_ENTRY + member.packed
    return False
