"""The bytes of one file out of its record's object, read by range and compared before anybody sees them.

A file of up to 16 MiB is read whole and compared with its digest; a larger one chunk by chunk with the chunk digests of
the catalogue. What one replica holds damaged is taken from another. Only where a large file has no chunk digests (a
catalogue rebuilt from the bags) is a range answered unread-back; reading it whole compares the digest at its end.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterator
from dataclasses import dataclass

from metadata import digests
from metadata.errors import LantaiError, Unavailable
from repository.archive import Archive
from repository.storage.base import Store

log = logging.getLogger(__name__)
CHUNK = 16 << 20
_SMALL = 1 << 20
_FASTEST = ("sha256", "sha512", "sm3", "sha1", "md5")


@dataclass(frozen=True, slots=True)
class FileBytes:
    """Where the bytes of a file lie and what they must be."""

    archive: Archive
    key: str
    offset: int
    size: int
    digests: dict[str, str]
    chunk_sha256: bytes | None

    def range(self, start: int, end: int) -> Iterator[bytes]:
        """Bytes ``start`` up to ``end`` (exclusive). The first are read before this returns.

        ``Unavailable`` (``file.no_intact_copy``) when no replica gives the recorded bytes.
        """
        chunks = self._range(start, min(end, self.size))
        first = next(chunks, b"")
        return _after(first, chunks)

    def whole(self) -> bytes:
        """All bytes; for files small enough to be held."""
        return b"".join(self.range(0, self.size))

    def _range(self, start: int, end: int) -> Iterator[bytes]:
        if end <= start:
            if self.size == 0:
                return
            start, end = 0, 0
        if self.size > CHUNK and self.chunk_sha256 is None:
            yield from self._unchunked(start, end)
            return
        number = start // CHUNK
        while number * CHUNK < end:
            first = number * CHUNK
            chunk = self._chunk(number)
            part = memoryview(chunk)[max(start - first, 0) : end - first]
            for at in range(0, len(part), _SMALL):
                yield bytes(part[at : at + _SMALL])
            number += 1

    def _chunk(self, number: int) -> bytes:
        first = number * CHUNK
        length = min(CHUNK, self.size - first)
        for store in self.archive.replicas.stores:
            data = _read(store, self.key, self.offset + first, length)
            if data is not None and self._is_right(number, data):
                return data
            log.warning("replica %s does not hold the recorded bytes of %s", store.name, self.key)
        raise _no_intact_copy(self.key)

    def _is_right(self, number: int, data: bytes) -> bool:
        if self.chunk_sha256 is not None and self.size > CHUNK:
            return hashlib.sha256(data).digest() == self.chunk_sha256[number * 32 : number * 32 + 32]
        name = next((one for one in _FASTEST if one in self.digests), None)
        return name is not None and len(data) == self.size and digests.of_bytes(data, name) == self.digests[name]

    def _unchunked(self, start: int, end: int) -> Iterator[bytes]:
        for store in self.archive.replicas.stores:
            try:
                store.head(self.key)
            except LantaiError:
                continue
            chunks = store.read_range(self.key, self.offset + start, end - start)
            if (start, end) == (0, self.size):
                yield from self._compared(chunks)
            else:
                yield from chunks
            return
        raise _no_intact_copy(self.key)

    def _compared(self, chunks: Iterator[bytes]) -> Iterator[bytes]:
        """Pass on all but the last chunk until the digest is known: a damaged file never arrives complete."""
        name = next(one for one in _FASTEST if one in self.digests)
        digest, held = digests.new(name), b""
        for chunk in chunks:
            if held:
                yield held
            digest.update(chunk)
            held = chunk
        if digest.hexdigest() != self.digests[name]:
            raise _no_intact_copy(self.key)
        yield held


def _read(store: Store, key: str, offset: int, length: int) -> bytes | None:
    try:
        return b"".join(store.read_range(key, offset, length))
    except LantaiError as error:
        log.warning("replica %s could not give %s: %s", store.name, key, error.code)
        return None


def _after(first: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    if first:
        yield first
    yield from rest


def _no_intact_copy(key: str) -> Unavailable:
    return Unavailable(
        "file.no_intact_copy",
        zh="现在没有任何副本能给出这个文件的完好内容。请通知长期保存管理员运行完整性检查。",
        en="No replica gives the recorded bytes of this file now. Ask the preservation officer to run an audit.",
        key=key,
    )


@dataclass(frozen=True, slots=True)
class Range:
    """A part of a file that a client asked for."""

    start: int
    end: int


def asked_range(header: str | None, size: int) -> Range | None:
    """The range of a ``Range`` header (RFC 9110 14.1.2), ``None`` when the whole file is meant.

    Several ranges in one request are answered with the whole file. ``ValueError`` when no byte of the range exists.
    """
    if not header or not header.startswith("bytes=") or "," in header:
        return None
    first, dash, last = header[6:].strip().partition("-")
    if not dash or not (first or last) or not (first + last).isascii() or not (first + last).isdigit():
        return None
    if not first:
        start, end = max(size - int(last), 0), size
        if int(last) == 0:
            raise ValueError(header)
    else:
        start, end = int(first), (min(int(last) + 1, size) if last else size)
        if last and int(last) < start:
            return None
    if start >= size:
        raise ValueError(header)
    return Range(start, end)
