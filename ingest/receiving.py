"""Receiving bytes: each is read once, copied to quarantine where asked, and digested on the way.

One read feeds every digest of the profile, SHA-256, CRC-32 and, beyond 16 MiB, a SHA-256 of each 16 MiB chunk. Small
files are read whole and handled several to a thread; a large file gets one thread a digest.
"""

from __future__ import annotations

import errno
import os
import zlib
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ingest import containers, quarantine
from ingest.outcome import Finding
from ingest.streaming import Told, stream
from ingest.walk import Found, Name
from metadata import digests

_SMALL = 1 << 20
_GROUP_FILES = 64
_GROUP_BYTES = 8 << 20
_LARGE = 64 << 20
_HEAD = 512


@dataclass(frozen=True, slots=True)
class Received:
    """One file as received; the row of ``submission_file`` without its position."""

    name: Name
    source: str
    size: int
    modified_ns: int | None
    crc32: int
    digests: dict[str, str]
    chunk_sha256: str | None
    container_kind: str | None

    def row(self, submission_id: str, position: int, container: str | None = None) -> dict[str, Any]:
        """The row for one bulk insert."""
        return {
            "submission_id": submission_id,
            "position": position,
            "path": self.name.text,
            "path_bytes": self.name.raw,
            "source": self.source,
            "container": container,
            "size": self.size,
            "modified_ns": self.modified_ns,
            "crc32": self.crc32,
            "digests": self.digests,
            "chunk_sha256": self.chunk_sha256,
            "role": "container" if self.container_kind else "payload",
        }


def wanted(profile_algorithms: Iterable[str]) -> tuple[str, ...]:
    """SHA-256 first (it is the cheapest and goes with the CRC-32), then the profile's algorithms."""
    return ("sha256", *(one for one in profile_algorithms if one != "sha256"))


def digest_small(data: bytes, algorithms: tuple[str, ...]) -> dict[str, str]:
    """All digests of a small file's bytes, in one call each."""
    found = {}
    for name in algorithms:
        one = digests.new(name)
        one.update(data)
        found[name] = one.hexdigest()
    return found


@dataclass(frozen=True)
class Receiver:
    """Takes files of one submission; ``base`` is its folder in quarantine."""

    base: Path
    algorithms: tuple[str, ...]
    in_place: bool = False

    def receive(
        self, found: Iterable[tuple[int, Found, os.stat_result]], told: Told | None = None
    ) -> Iterator[tuple[int, Received | Finding]]:
        """Each file with its position, in the order given; groups of small files run on two threads."""
        with ThreadPoolExecutor(2, "receive") as files:
            running: deque[Future[list[tuple[int, Received | Finding]]]] = deque()
            for group in _groups(found):
                large = group[0][2].st_size >= _LARGE
                running.append(files.submit(self._group, group, told, large))
                while len(running) > (1 if large else 4):
                    yield from running.popleft().result()
            while running:
                yield from running.popleft().result()

    def _group(
        self,
        group: list[tuple[int, Found, os.stat_result]],
        told: Told | None,
        side_by_side: bool,
    ) -> list[tuple[int, Received | Finding]]:
        done: list[tuple[int, Received | Finding]] = []
        size = 0
        for position, one, _ in group:
            got = self._one(position, one, told, side_by_side=side_by_side)
            if isinstance(got, Received) and got.size <= _SMALL:
                size += got.size
            done.append((position, got))
        if told is not None:
            told(len(group), size)
        return done

    def _one(self, position: int, found: Found, told: Told | None, *, side_by_side: bool) -> Received | Finding:
        try:
            handle = os.open(found.location, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        except OSError as error:
            return Finding(
                "deposit.unreadable", found.name.text, {"reason": errno.errorcode.get(error.errno or 0, "?")}
            )
        try:
            before = os.fstat(handle)
            if before.st_size <= _SMALL:
                return self._small(position, found, handle, before)
            return self._large(position, found, handle, before, told, side_by_side=side_by_side)
        finally:
            os.close(handle)

    def _small(self, position: int, found: Found, handle: int, before: os.stat_result) -> Received | Finding:
        try:
            data = os.read(handle, before.st_size + 1)
        except OSError as error:
            return Finding(
                "deposit.unreadable", found.name.text, {"reason": errno.errorcode.get(error.errno or 0, "?")}
            )
        if len(data) != before.st_size:
            return Finding("source.changed", found.name.text)
        if self.in_place:
            source = quarantine.in_place(found.location)
        else:
            source = quarantine.numbered(position, found.name.text)
            out = quarantine.create(self.base / source)
            try:
                quarantine.write_all(out, data)
            finally:
                os.close(out)
        return Received(
            found.name,
            source,
            len(data),
            before.st_mtime_ns,
            zlib.crc32(data),
            digest_small(data, self.algorithms),
            None,
            containers.kind_of(found.name.text, data[:_HEAD]),
        )

    def _large(
        self,
        position: int,
        found: Found,
        handle: int,
        before: os.stat_result,
        told: Told | None,
        *,
        side_by_side: bool,
    ) -> Received | Finding:
        with open(handle, "rb", buffering=0, closefd=False) as source_file:
            try:
                if self.in_place:
                    source = quarantine.in_place(found.location)
                    several, chunks, head = stream(
                        source_file, None, self.algorithms, side_by_side=side_by_side, size=before.st_size, told=told
                    )
                else:
                    source = quarantine.numbered(position, found.name.text)
                    out = quarantine.create(self.base / source)
                    try:
                        several, chunks, head = stream(
                            source_file, out, self.algorithms, side_by_side=side_by_side, size=before.st_size, told=told
                        )
                    finally:
                        os.close(out)
            except OSError as error:
                if error.errno == errno.EIO:
                    return Finding("deposit.unreadable", found.name.text, {"reason": "EIO"})
                raise
        after = os.fstat(handle)
        if (after.st_size, after.st_mtime_ns) != (before.st_size, before.st_mtime_ns) or several.size != after.st_size:
            return Finding("source.changed", found.name.text)
        return Received(
            found.name,
            source,
            several.size,
            before.st_mtime_ns,
            several.crc32,
            several.result(),
            chunks,
            containers.kind_of(found.name.text, head),
        )


def _groups(
    found: Iterable[tuple[int, Found, os.stat_result]],
) -> Iterator[list[tuple[int, Found, os.stat_result]]]:
    group: list[tuple[int, Found, os.stat_result]] = []
    size = 0
    for one in found:
        alone = one[2].st_size >= _LARGE
        if group and (alone or len(group) >= _GROUP_FILES or size + one[2].st_size > _GROUP_BYTES):
            yield group
            group, size = [], 0
        group.append(one)
        size += one[2].st_size
        if alone:
            yield group
            group, size = [], 0
    if group:
        yield group
