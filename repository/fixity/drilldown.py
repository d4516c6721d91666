"""Which part of a damaged object is damaged: payload files, tag files, or the container's own structure.

With an intact copy at hand (another replica, the catalogue's own bytes) the two are compared byte by byte. Without one,
payload files are held against the digests in the catalogue and tag files against the checksums in the container's own
directory; what remains unexplained is damage to the structure.
"""

from __future__ import annotations

import hashlib
import struct
import zlib
from collections.abc import Iterator, Sequence
from typing import Any, Protocol

from sqlalchemy import select

from metadata import digests
from metadata.errors import LantaiError
from repository.archive import Archive
from repository.bag.read import Member, directory
from repository.fixity.reading import Task
from repository.fixity.sources import bytes_in_catalogue
from repository.storage import layout
from repository.storage.base import Store
from repository.tables import StoredFile

MEMBERS_LISTED = 1000
_SPANS = 10_000
_PIECE = 512

Span = tuple[int, int]
_BROKEN_DIRECTORY = (LantaiError, OSError, ValueError, RuntimeError, struct.error)
"""What reading a damaged directory may raise; ``RuntimeError`` has the not-implemented features among it."""


class _Placed(Protocol):
    @property
    def path(self) -> str: ...
    @property
    def offset(self) -> int: ...
    @property
    def size(self) -> int: ...


def look_into(archive: Archive, task: Task) -> dict[str, Any]:
    """What is known about the damage of one object: ``members`` by path, ``structure``, ``first_difference`` (offset).

    Never raises for a store that cannot be read: then less is known.
    """
    store = archive.replicas.store(task.replica)
    try:
        return _against_copy(archive, store, task) or _against_catalogue(archive, store, task)
    except (LantaiError, OSError) as error:
        return {"not_examined": getattr(error, "code", type(error).__name__)}


def _against_copy(archive: Archive, store: Store, task: Task) -> dict[str, Any] | None:
    body = bytes_in_catalogue(archive, task.key)
    if body is not None and hashlib.sha256(body).hexdigest() == task.sha256:
        spans = differences(iter([body]), store.read(task.key))
        return _described(spans, (), "catalogue")
    for name in archive.replicas.names:
        if name == task.replica:
            continue
        other = archive.replicas.store(name)
        hashing = hashlib.sha256()
        try:
            spans = differences(_hashed(other.read(task.key), hashing), store.read(task.key))
            if hashing.hexdigest() != task.sha256:
                continue
            members = directory(other, task.key) if task.kind == "bag" else ()
        except (LantaiError, OSError):
            continue
        return _described(spans, members, name)
    return None


def _hashed(chunks: Iterator[bytes], hashing: Any) -> Iterator[bytes]:
    for chunk in chunks:
        hashing.update(chunk)
        yield chunk


def _described(spans: list[Span], members: Sequence[_Placed], compared_with: str) -> dict[str, Any]:
    found: dict[str, Any] = {"compared_with": compared_with}
    if spans:
        found["first_difference"] = spans[0][0]
        found["differing_bytes"] = sum(end - start for start, end in spans)
    if members:
        names, outside = place(spans, members)
        found["members"] = names[:MEMBERS_LISTED]
        found["structure"] = outside
    return found


def place(spans: Sequence[Span], members: Sequence[_Placed]) -> tuple[list[str], bool]:
    """Paths of the members that ``spans`` touch, and whether a span reaches outside every member."""
    names: list[str] = []
    outside = False
    placed = sorted((member for member in members if member.size), key=lambda member: member.offset)
    position = 0
    for start, end in spans:
        while position < len(placed) and placed[position].offset + placed[position].size <= start:
            position += 1
        covered, at = start, position
        while at < len(placed) and placed[at].offset < end:
            member = placed[at]
            if member.offset > covered:
                outside = True
            if not names or names[-1] != member.path:
                names.append(member.path)
            covered = max(covered, member.offset + member.size)
            at += 1
        outside = outside or covered < end
    return names, outside


def differences(good: Iterator[bytes], other: Iterator[bytes]) -> list[Span]:
    """Spans of bytes in which two streams differ, in order; a missing or surplus end is a span too.

    Both are read to their end. Beyond many spans the last one is widened instead of adding more.
    """
    spans: list[Span] = []
    left = right = memoryview(b"")
    offset = 0
    while True:
        left = left or memoryview(next(good, b""))
        right = right or memoryview(next(other, b""))
        if not left or not right:
            break
        count = min(len(left), len(right))
        if left[:count] != right[:count]:
            _narrow(spans, bytes(left[:count]), bytes(right[:count]), offset)
        left, right, offset = left[count:], right[count:], offset + count
    surplus = len(left) + len(right) + sum(map(len, good)) + sum(map(len, other))
    if surplus:
        _add(spans, offset, offset + surplus)
    return spans


def _narrow(spans: list[Span], left: bytes, right: bytes, offset: int) -> None:
    for start in range(0, len(left), _PIECE):
        one, two = left[start : start + _PIECE], right[start : start + _PIECE]
        if one == two:
            continue
        if len(spans) >= _SPANS:
            _add(spans, offset + start, offset + start + len(one))
            continue
        for index, (a, b) in enumerate(zip(one, two, strict=True)):
            if a != b:
                _add(spans, offset + start + index, offset + start + index + 1)


def _add(spans: list[Span], start: int, end: int) -> None:
    if spans and (spans[-1][1] == start or len(spans) >= _SPANS):
        spans[-1] = (spans[-1][0], end)
    else:
        spans.append((start, end))


def _against_catalogue(archive: Archive, store: Store, task: Task) -> dict[str, Any]:
    if task.kind != "bag":
        return {"compared_with": None}
    damaged: list[str] = []
    payload: set[int] = set()
    for stored in _files(archive, task.key):
        payload.add(stored.offset)
        algorithm, recorded = min(stored.digests.items(), key=lambda pair: digests.WRITTEN.index(pair[0]))
        hashing = digests.new(algorithm)
        for chunk in store.read_range(task.key, stored.offset, stored.size):
            hashing.update(chunk)
        if hashing.hexdigest() != recorded:
            damaged.append(stored.path)
    structure = False
    try:
        damaged += _failing_checksums(store, task.key, directory(store, task.key), payload)
    except _BROKEN_DIRECTORY:
        structure = True
    return {
        "compared_with": None,
        "members": damaged[:MEMBERS_LISTED],
        "structure": structure or not damaged,
    }


def _failing_checksums(store: Store, key: str, members: Sequence[Member], but: set[int]) -> Iterator[str]:
    for member in members:
        if member.offset in but:
            continue
        crc = 0
        for chunk in store.read_range(key, member.offset, member.size):
            crc = zlib.crc32(chunk, crc)
        if crc != member.crc32:
            yield member.path


def _files(archive: Archive, key: str) -> Sequence[StoredFile]:
    about = layout.parse(key)
    with archive.reading() as session:
        return session.scalars(
            select(StoredFile)
            .where(StoredFile.record_id == about.record_id, StoredFile.version == about.number)
            .order_by(StoredFile.position)
        ).all()
