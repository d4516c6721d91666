"""TAR, plain or compressed: it has no directory, so it is read through once to list it and once to take files out."""

from __future__ import annotations

import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

from ingest.containers.compression import Forward, compression_of
from ingest.containers.members import Clock, Damaged, Listing, Member, TakenOut
from ingest.containers.naming import decide, named
from ingest.limits import IngestLimits
from ingest.outcome import Finding

SUFFIXES = (".tar", ".tgz", ".tbz2", ".txz", ".tzst", ".tar.gz", ".tar.bz2", ".tar.xz", ".tar.zst")
_BLOCK = 512
_ZEROS = bytes(_BLOCK)


def is_tar(name: str, head: bytes) -> bool:
    """Whether the name says TAR and the first bytes do not speak against it."""
    lower = name.lower()
    if not lower.endswith(SUFFIXES):
        return False
    return not lower.endswith(".tar") or compression_of(head) is not None or _is_header(head[:_BLOCK])


def _is_header(block: bytes) -> bool:
    """Whether the block is a TAR header by its checksum (old archives have no magic), or the end of an empty TAR."""
    if len(block) < _BLOCK:
        return False
    if block == _ZEROS or block[257:262] == b"ustar":
        return True
    try:
        told = int(block[148:156].strip(b" \x00") or b"-", 8)
    except ValueError:
        return False
    return told == sum(block) - sum(block[148:156]) + 8 * 0x20


@contextmanager
def _opened(path: Path, limits: IngestLimits, clock: Clock) -> Iterator[tuple[Forward, tarfile.TarFile]]:
    source = Forward(path, limits, clock)
    try:
        source.in_headers(inside=True)
        file = cast("Any", source)  # tarfile asks for no more than read, seek and tell
        yield source, tarfile.TarFile(fileobj=file, encoding="utf-8", errors="surrogateescape")
    finally:
        source.close()


def _entries(source: Forward, opened: tarfile.TarFile) -> Iterator[tarfile.TarInfo]:
    """Each header in turn; ``Damaged`` unless the archive ends with the empty block that ends one.

    ``tarfile`` takes a broken header or the end of the file for the end of the archive and says nothing.
    """
    while True:
        source.in_headers(inside=True)
        info = opened.next()
        cast("Any", opened).members.clear()  # they would all be kept
        if info is None:
            break
        if info.size < 0:
            raise Damaged
        source.members += 1
        source.in_headers(inside=False)
        yield info
    if source.last_block != _ZEROS:
        raise Damaged


def listing(path: Path, name: str, limits: IngestLimits, clock: Clock) -> Listing:
    """Every entry of the TAR at ``path``; stopped as soon as a limit is passed."""
    told: list[tuple[bytes, str, int, bool]] = []
    total = 0
    with _opened(path, limits, clock) as (source, opened):
        for info in _entries(source, opened):
            total += info.size if info.isreg() else 0
            if len(told) >= limits.container_entries:
                raise Damaged("container.too_many_entries", limit=limits.container_entries)
            if total > limits.container_bytes:
                raise Damaged("container.too_large", limit=limits.container_bytes)
            told.append((_raw_name(info), _kind(info), info.size, not info.issparse()))
        source.in_headers(inside=False)
        after = source.rest()
    encoding = decide(raw for raw, *_ in told)
    members = [
        Member(named(raw, encoding), kind, size, size, supported=supported) for raw, kind, size, supported in told
    ]
    notices = [Finding("format.trailing_data", name, {"bytes": after})] if after else []
    return Listing("tar", members, clock, notices)


def _raw_name(info: tarfile.TarInfo) -> bytes:
    return info.name.encode("utf-8", "surrogateescape")


def _kind(info: tarfile.TarInfo) -> str:
    if info.isreg():
        return "file"
    if info.isdir():
        return "folder"
    return "link" if info.issym() or info.islnk() else "special"


def take_out(path: Path, limits: IngestLimits, listed: Listing, first: int) -> Iterator[TakenOut]:
    """The files of the TAR in its own order, without the ``first`` ones."""
    done = 0
    with _opened(path, limits, listed.clock) as (source, opened):
        for member, info in zip(listed.members, _entries(source, opened), strict=True):
            if _kind(info) != member.kind or info.size != member.size:
                raise Damaged
            if member.kind == "file":
                done += 1
                if done > first:
                    yield TakenOut(member, lambda info=info: _Source(source, info))  # type: ignore[misc]  # mypy cannot infer it


class _Source:
    """The bytes of one member; ``Damaged`` when the archive ends before they do."""

    def __init__(self, source: Forward, info: tarfile.TarInfo) -> None:
        self._source = source
        self._left = info.size
        source.seek(info.offset_data)

    def readinto(self, buffer: memoryview, /) -> int:
        wanted = min(len(buffer), self._left)
        data = self._source.read(wanted)
        if len(data) < wanted:
            raise Damaged
        self._left -= len(data)
        buffer[: len(data)] = data
        return len(data)
