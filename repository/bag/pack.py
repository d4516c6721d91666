"""Packing: the bytes of a bag object as a pure function of its plan and of the deposited bytes."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import BinaryIO

from metadata import digests
from metadata.errors import Conflict
from repository.bag import container
from repository.bag.plan import BagPlan, PayloadFile

CHUNK = 1 << 20
_LARGE = 256 << 10
_CHEAPEST_FIRST = ("sha256", "sha512", "sm3")


class SourceChanged(Conflict):
    """A deposited file's bytes are no longer the ones that were pinned when it was deposited."""

    def __init__(self, path: str, original_name: str) -> None:
        super().__init__(
            "bag.source_changed",
            zh=f"文件“{original_name}”在接收之后被改动或截断；该件没有入库。请恢复原文件或重新提交。",
            en=f"The file “{original_name}” was changed after it was deposited; its record was not stored. Restore the original or deposit it again.",
            path=path,
        )
        self.path = path


def chunks(plan: BagPlan, open_source: Callable[[str], BinaryIO]) -> Iterator[bytes]:
    """The object's bytes in chunks of about 1 MiB; memory does not grow with the bag's files or their sizes.

    ``open_source`` opens a payload file's ``source`` for reading (unbuffered is fastest). Every file is checked
    against its pinned size and the cheapest of its digests before the object's directory is given out, so a store
    never makes the object visible when ``SourceChanged`` is raised; pieces with a digest of their own (``BagPlan.known``)
    before their last bytes are. The CRC-32 in the headers was taken of the same
    bytes in the same read as the digests: bytes with the right digest have it, and hashing them again proves nothing.
    """
    buffer: list[bytes] = []
    held = 0
    hashing: ThreadPoolExecutor | None = None
    algorithm = next(name for name in _CHEAPEST_FIRST if name in plan.algorithms)
    try:
        for tag in plan.tags:
            header = container.local_header(plan.top + tag.path, len(tag.data), tag.crc32)
            buffer += (header, tag.data)
            held += len(header) + len(tag.data)
            if held >= CHUNK:
                yield from _pieces(b"".join(buffer))
                buffer, held = [], 0
        for one in plan.payload:
            header = container.local_header(plan.top + one.path, one.size, one.crc32)
            buffer.append(header)
            held += len(header)
            if one.size < _LARGE:
                buffer.append(_small(one, open_source, algorithm))
                held += one.size
            else:
                yield b"".join(buffer)
                buffer, held = [], 0
                hashing = hashing or ThreadPoolExecutor(1, "source-hash")
                yield from _large(one, open_source, algorithm, hashing)
            if held >= CHUNK:
                yield b"".join(buffer)
                buffer, held = [], 0
        buffer.append(_directory(plan))
        yield from _pieces(b"".join(buffer))
    finally:
        if hashing is not None:
            hashing.shutdown()


def pack_bytes(plan: BagPlan, open_source: Callable[[str], BinaryIO]) -> bytes:
    """The whole object in memory, for small bags."""
    return b"".join(chunks(plan, open_source))


def _pieces(data: bytes) -> Iterator[bytes]:
    if len(data) <= 2 * CHUNK:
        yield data
        return
    for start in range(0, len(data), CHUNK):
        yield data[start : start + CHUNK]


def _small(one: PayloadFile, open_source: Callable[[str], BinaryIO], algorithm: str) -> bytes:
    with open_source(one.source) as source:
        data = source.read(one.size + 1)
        while len(data) < one.size and (more := source.read(one.size + 1 - len(data))):
            data += more
    digest = hashlib.sha256(data).hexdigest() if algorithm == "sha256" else digests.of_bytes(data, algorithm)
    if len(data) != one.size or digest != one.digests[algorithm]:
        raise SourceChanged(one.path, one.original_name)
    return data


def _large(
    one: PayloadFile, open_source: Callable[[str], BinaryIO], algorithm: str, hashing: ThreadPoolExecutor
) -> Iterator[bytes]:
    if one.chunk_sha256 is not None:
        with open_source(one.source) as source:
            for _start, length, sha256 in one.pieces():
                yield from _piece(one, source, length, sha256, hashing)
            if source.read(1):
                raise SourceChanged(one.path, one.original_name)
        return
    digest = digests.new(algorithm)
    running: Future[None] | None = None
    size = 0
    with open_source(one.source) as source:
        while chunk := source.read(CHUNK):
            size += len(chunk)
            if size > one.size:
                break
            if running is not None:
                running.result()
            running = hashing.submit(digest.update, chunk)
            yield chunk
    if running is not None:
        running.result()
    if size != one.size or digest.hexdigest() != one.digests[algorithm]:
        raise SourceChanged(one.path, one.original_name)


def _piece(
    one: PayloadFile, source: BinaryIO, length: int, sha256: str, hashing: ThreadPoolExecutor
) -> Iterator[bytes]:
    """A stretch of a file; its last bytes are given when it is known to have its digest."""
    digest = hashlib.sha256()
    running: Future[None] | None = None
    while length:
        chunk = source.read(min(CHUNK, length))
        if running is not None:
            running.result()
        length -= len(chunk)
        if chunk and length:
            running = hashing.submit(digest.update, chunk)
        else:
            digest.update(chunk)
            if length or digest.hexdigest() != sha256:
                raise SourceChanged(one.path, one.original_name)
        yield chunk


def _directory(plan: BagPlan) -> bytes:
    entries = []
    for tag in plan.tags:
        size = len(tag.data)
        start = tag.offset - container.local_header_length(plan.top + tag.path, size)
        entries.append(container.central_header(plan.top + tag.path, size, tag.crc32, start))
    for one in plan.payload:
        start = one.offset - container.local_header_length(plan.top + one.path, one.size)
        entries.append(container.central_header(plan.top + one.path, one.size, one.crc32, start))
    directory = b"".join(entries)
    return directory + container.end_of_directory(len(entries), plan.directory_offset, len(directory))
