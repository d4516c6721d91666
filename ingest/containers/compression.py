"""Compressed streams read forward in bounded steps: gzip, bzip2, xz, Zstandard, or nothing around a TAR."""

from __future__ import annotations

import bz2
import lzma
import os
import re
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ingest.containers.members import Clock, Damaged
from ingest.limits import IngestLimits

_CHUNK = 1 << 18
_STEP = 1 << 18
_WINDOW = 256 << 20  # memory of a decompressor
_HEADER_READ = 1 << 20  # bytes of extended headers in front of one member
_RUN_OF_DIGITS = re.compile(rb"\d{256}")
_BLOCK = 512

MAGIC = {b"\x1f\x8b": "gzip", b"BZh": "bzip2", b"\xfd7zXZ\x00": "xz", b"\x28\xb5\x2f\xfd": "zstd"}


def compression_of(head: bytes) -> str | None:
    """The compression that the first bytes name."""
    return next((kind for magic, kind in MAGIC.items() if head.startswith(magic)), None)


class Forward:
    """A file object that goes forward only, as far back as its last step; what ``tarfile`` reads from.

    Every step looks at the clock and at how much came out. While ``in_headers`` no more than a mebibyte may be read,
    because ``tarfile`` takes extended headers into memory whole, however long they say they are.
    """

    def __init__(self, path: Path, limits: IngestLimits, clock: Clock) -> None:
        self._file = path.open("rb", buffering=0)
        self._limits = limits
        self._clock = clock
        self._on_disk = max(1, os.fstat(self._file.fileno()).st_size)
        kind = compression_of(self._file.read(8))
        self._file.seek(0)
        self._plain = kind is None
        self._more: Callable[[int], bytes] = self._file.read if kind is None else _decompressor(kind, self._file)
        self._buffer = b""
        self._start = 0  # place of the buffer's first byte
        self._at = 0
        self._budget: int | None = None
        self.members = 0
        self.last_block = b""

    def in_headers(self, *, inside: bool) -> None:
        """Whether what is read now are headers."""
        self._budget = _HEADER_READ if inside else None

    def tell(self) -> int:
        """The place in the unpacked stream."""
        return self._at

    def seek(self, place: int, whence: int = 0) -> int:
        """Go to ``place``; back only within the last step."""
        if whence or place < self._start:
            raise Damaged
        self._at = place
        return place

    def read(self, size: int) -> bytes:
        """At most ``size`` bytes; fewer only at the end."""
        if self._budget is not None:
            self._budget -= size
        if size < 0 or (self._budget is not None and self._budget < 0):
            raise Damaged
        parts: list[bytes] = []
        while size > 0 and self._fill():
            inner = self._at - self._start
            part = self._buffer[inner : inner + size]
            parts.append(part)
            self._at += len(part)
            size -= len(part)
        data = b"".join(parts)
        if self._budget is not None:
            if len(data) == _BLOCK:
                self.last_block = data
            elif _RUN_OF_DIGITS.search(data):
                raise Damaged  # tarfile's patterns go back over such a run again and again
        return data

    def _fill(self) -> bool:
        """Have the byte at ``_at`` in the buffer; False at the end."""
        while self._at >= self._start + len(self._buffer):
            self._clock.check()
            ahead = self._at - self._start - len(self._buffer)
            if self._plain and ahead > _STEP:
                if self._at > self._on_disk:
                    return False
                self._file.seek(self._at - 1)
                self._start, self._buffer = self._at - 1, self._file.read(_STEP)
                continue
            data = self._more(_STEP)
            if not data:
                return False
            self._start += len(self._buffer) - 1 if self._buffer else 0
            self._buffer = self._buffer[-1:] + data  # tarfile goes back by one byte
            self._bounded(self._start + len(self._buffer))
        return True

    def _bounded(self, came_out: int) -> None:
        limits = self._limits
        content = came_out - 3 * _BLOCK * self.members
        if content > limits.container_bytes:
            raise Damaged("container.too_large", limit=limits.container_bytes)
        ratio = content // self._on_disk
        if content > limits.container_ratio_from and ratio > limits.container_ratio:
            raise Damaged("container.bomb", ratio=ratio, limit=limits.container_ratio)

    def rest(self) -> int:
        """Read to the end, so that a checksum there is checked; how many bytes from the first that is not zero."""
        after = 0
        while data := self.read(_STEP):
            after = after + len(data) if after else len(data.lstrip(b"\x00"))
        return after

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def _decompressor(kind: str, file: Any) -> Callable[[int], bytes]:
    if kind == "gzip":
        return _Stepped(file, lambda: zlib.decompressobj(31), b"\x1f\x8b").more
    if kind == "bzip2":
        return _Stepped(file, bz2.BZ2Decompressor, b"BZh").more
    if kind == "xz":
        return _Stepped(file, lambda: lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_WINDOW), b"\xfd7zXZ\x00").more
    import zstandard  # only where a .zst is opened

    unpacker = zstandard.ZstdDecompressor(max_window_size=_WINDOW // 2)
    return unpacker.stream_reader(file, read_across_frames=True).read


class _Stepped:
    """Streams of one compression, one behind the other, as their programs write and accept them."""

    def __init__(self, file: Any, new: Callable[[], Any], magic: bytes) -> None:
        self._file = file
        self._new = new
        self._magic = magic
        self._unpacker = new()
        self._waiting = b""

    def more(self, most: int) -> bytes:
        """At most ``most`` unpacked bytes; empty at the end, ``EOFError`` when the stream is cut off."""
        while True:
            if self._unpacker.eof and not self._next():
                return b""
            wants = getattr(self._unpacker, "needs_input", not self._waiting)
            if wants and not self._waiting:
                self._waiting = self._file.read(_CHUNK)
                ended = not self._waiting
            else:
                ended = False
            given, self._waiting = self._waiting, b""
            try:
                data = self._unpacker.decompress(given, most)
            except OSError as error:  # bzip2's word for damage; it is no fault of the disk
                raise Damaged from error
            self._waiting = getattr(self._unpacker, "unconsumed_tail", b"")
            if data:
                return bytes(data)
            if ended and not self._unpacker.eof:
                raise EOFError

    def _next(self) -> bool:
        """Begin the stream that follows, if one does; padding and rubbish behind the last are no content."""
        rest = self._unpacker.unused_data.lstrip(b"\x00")
        while len(rest) < len(self._magic) and (more := self._file.read(_CHUNK)):
            rest = (rest + more).lstrip(b"\x00")
        if not rest.startswith(self._magic):
            return False
        self._unpacker, self._waiting = self._new(), rest
        return True
