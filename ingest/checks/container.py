"""Container safety, judged on the directory alone, before a byte is unpacked (DA/T 70 A12, U7, X3; RFC 8493 5.1)."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ingest.containers import Member
from ingest.limits import IngestLimits
from ingest.outcome import Finding

_DRIVE = re.compile(r"[A-Za-z]:")


@dataclass(frozen=True, slots=True)
class Before:
    """What the submission holds already: bytes as received, bytes out of containers, files."""

    received: int = 0
    unpacked: int = 0
    files: int = 0


def is_unsafe(path: str) -> bool:
    """Whether a path inside a container could lead out of it: absolute, ``..``, a drive, a backslash, NUL, ``~``."""
    if not path or "\x00" in path or "\\" in path or path.startswith(("/", "~")) or _DRIVE.match(path):
        return True
    parts = path.rstrip("/").split("/")
    return any(part in {"", ".", ".."} for part in (parts[1:] if parts[0] == "." else parts))


def run(
    container: str,
    packed_bytes: int,
    members: Sequence[Member],
    limits: IngestLimits,
    before: Before | None = None,
) -> Iterable[Finding]:
    """Findings about the container named ``container``; any error keeps it shut.

    ``before`` makes the limits hold for containers inside containers together: a bomb may be laid in layers.
    """
    yield from _entries(container, members)
    yield from _names(container, members)
    alone = list(_sizes(container, packed_bytes, members, limits))
    yield from alone
    if before is not None:
        told = {one.code for one in alone}
        yield from (one for one in _together(container, members, limits, before) if one.code not in told)
    if not any(member.kind == "file" for member in members):
        yield Finding("container.empty", container)


def _entries(container: str, members: Sequence[Member]) -> Iterable[Finding]:
    about = {"container": container}
    for member in members:
        path = member.name.text
        if is_unsafe(path):
            yield Finding("container.unsafe_path", path.replace("\x00", "\ufffd"), about)
        if member.kind == "link":
            yield Finding("container.link", path, about)
        elif member.kind == "special":
            yield Finding("container.special_file", path, about)
        if member.encrypted:
            yield Finding("container.encrypted", path, about)
        if not member.supported:
            yield Finding("container.unsupported", path, about)


def _names(container: str, members: Sequence[Member]) -> Iterable[Finding]:
    """No two files under one name, none that differ by case or Unicode form only, none where another has a folder."""
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
        other = folded.setdefault(_folded(plain), plain)
        if other != plain:
            yield Finding("container.clashing_name", path, {"container": container, "other": other})
    for member in members:
        plain = _folded(member.name.text.removeprefix("./").rstrip("/"))
        if member.kind == "folder" and plain in folded:
            yield Finding("container.clashing_name", member.name.text, {"container": container, "other": folded[plain]})
            continue
        at = plain.find("/")
        while at >= 0:
            if plain[:at] in folded:
                other = folded[plain[:at]]
                yield Finding("container.clashing_name", member.name.text, {"container": container, "other": other})
                break
            at = plain.find("/", at + 1)


def _folded(name: str) -> str:
    return name.casefold() if name.isascii() else unicodedata.normalize("NFC", name).casefold()


def _sizes(container: str, packed_bytes: int, members: Sequence[Member], limits: IngestLimits) -> Iterable[Finding]:
    total = sum(member.size for member in members)
    if total > limits.container_bytes:
        yield Finding("container.too_large", container, {"limit": limits.container_bytes})
    if large := [member for member in members if member.size > limits.file_bytes]:
        yield Finding("deposit.file_too_large", large[0].name.text, {"limit": limits.file_bytes})
    ratio = max(
        _ratio(total, packed_bytes, limits),
        max((_ratio(member.size, member.packed, limits) for member in members), default=0),
    )
    if ratio > limits.container_ratio:
        yield Finding("container.bomb", container, {"ratio": ratio, "limit": limits.container_ratio})
    if _overlap(members):
        yield Finding("container.overlap", container)


def _ratio(size: int, packed: int, limits: IngestLimits) -> int:
    return size // max(1, packed) if size > limits.container_ratio_from else 0


def _together(container: str, members: Sequence[Member], limits: IngestLimits, before: Before) -> Iterable[Finding]:
    """The same limits over all that came out of containers in this submission."""
    files = sum(member.kind == "file" for member in members)
    if before.files + files > limits.files_per_submission:
        yield Finding("deposit.too_many_files", container, {"limit": limits.files_per_submission})
    if not before.unpacked:
        return
    total = before.unpacked + sum(member.size for member in members)
    if total > limits.container_bytes:
        yield Finding("container.too_large", container, {"limit": limits.container_bytes})
    ratio = _ratio(total, before.received, limits)
    if ratio > limits.container_ratio:
        yield Finding("container.bomb", container, {"ratio": ratio, "limit": limits.container_ratio})


def _overlap(members: Sequence[Member]) -> bool:
    """Whether two entries share bytes, as bombs of overlapping entries do."""
    at = 0
    for offset, end in sorted((member.offset, member.end) for member in members if member.end):
        if offset < at:
            return True
        at = end
    return False
