"""ZIP: members from the directory, each decompressed in bounded steps and held to its size and CRC-32."""

from __future__ import annotations

import base64
import bz2
import lzma
import os
import struct
import zlib
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from ingest.containers.members import Clock, Damaged, Listing, Member, TakenOut
from ingest.containers.naming import decide, named
from ingest.containers.zip_directory import ENCRYPTED_FLAG, UNREADABLE_FLAGS, UTF8_FLAG, Entry, read_directory
from ingest.limits import IngestLimits
from ingest.outcome import Finding
from ingest.walk import Name

_STORED, _DEFLATED, _BZIP2, _LZMA, _ZSTD, _XZ, _AES = 0, 8, 12, 14, 93, 95, 99
_SUPPORTED = {_STORED, _DEFLATED, _BZIP2, _LZMA, _ZSTD, _XZ}
_CHUNK = 1 << 18
_DICTIONARY = 128 << 20  # bytes of a decompressor's window; no archiver's highest level wants more


def listing(path: Path, name: str, limits: IngestLimits, clock: Clock) -> Listing:
    """Every entry of the ZIP at ``path``; ``Damaged`` when it cannot be trusted."""
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        found = read_directory(handle, limits, clock)
    finally:
        os.close(handle)
    encoding = decide(one.name for one in found.entries if not _says_utf8(one) and one.unicode_name is None)
    members = [_member(one, encoding) for one in found.entries]
    notices = [Finding("format.trailing_data", name, {"bytes": found.trailing})] if found.trailing else []
    return Listing("zip", members, clock, notices)


def _says_utf8(entry: Entry) -> bool:
    if not entry.flags & UTF8_FLAG:
        return False
    try:
        entry.name.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _name(entry: Entry, encoding: str | None) -> Name:
    if _says_utf8(entry):
        return Name(entry.name.decode("utf-8"))
    told = entry.unicode_name
    if told is None:
        return named(entry.name, encoding)
    if told.encode() == entry.name:
        return Name(told)
    return Name(told, base64.b64encode(entry.name).decode(), legacy=True, encoding="UTF-8")


def _member(entry: Entry, encoding: str | None) -> Member:
    name = _name(entry, encoding)
    kind = "folder" if entry.kind == "file" and name.text.endswith("/") else entry.kind
    return Member(
        name=name,
        kind=kind,
        size=entry.size,
        packed=entry.packed,
        offset=entry.offset,
        end=entry.end,
        encrypted=bool(entry.flags & ENCRYPTED_FLAG) or entry.method == _AES,
        supported=entry.method in _SUPPORTED and not entry.flags & UNREADABLE_FLAGS,
        raw=(entry.data, entry.method, entry.crc),
    )


def take_out(path: Path, listed: Listing, first: int) -> Iterator[TakenOut]:
    """The files of the ZIP in its own order, without the ``first`` ones."""
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        done = 0
        for member in listed.members:
            if member.kind != "file":
                continue
            done += 1
            if done > first:
                yield TakenOut(member, partial(MemberSource, handle, member, listed.clock))
    finally:
        os.close(handle)


class MemberSource:
    """One member read from the front; no step makes more than was asked for, whatever the data says."""

    def __init__(self, handle: int, member: Member, clock: Clock) -> None:
        self._handle = handle
        self._at, method, self._wanted_crc = member.raw
        self._stop = self._at + member.packed
        self._size = member.size
        self._clock = clock
        self._crc = 0
        self._given = 0
        self._stored = method == _STORED
        self._unpacker: Any = None if self._stored else _unpacker(method, self)

    def readinto(self, buffer: memoryview, /) -> int:
        """Fill ``buffer``; at the end size and CRC-32 must be those of the directory, else ``Damaged``."""
        self._clock.check()
        data = self.packed(len(buffer)) if self._stored else self._unpacker(len(buffer))
        if not data:
            if self._given != self._size or self._crc != self._wanted_crc or (self._stored and self._at != self._stop):
                raise Damaged
            return 0
        self._given += len(data)
        if self._given > self._size:
            raise Damaged
        self._crc = zlib.crc32(data, self._crc)
        buffer[: len(data)] = data
        return len(data)

    def packed(self, most: int) -> bytes:
        """The next packed bytes; empty at the end of the member."""
        data = os.pread(self._handle, min(most, self._stop - self._at), self._at)
        self._at += len(data)
        return data


def _unpacker(method: int, source: MemberSource) -> Any:
    """A function from a number to at most so many unpacked bytes; empty at the end."""
    if method == _DEFLATED:
        return partial(_inflated, zlib.decompressobj(-15), source)
    if method == _BZIP2:
        return partial(_stepped, bz2.BZ2Decompressor(), source)
    if method == _XZ:
        return partial(_stepped, lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=2 * _DICTIONARY), source)
    if method == _LZMA:
        return partial(_stepped, _raw_lzma(source), source)
    import zstandard  # only for a method that few archivers use

    packed: Any = _Readable(source)
    reader = zstandard.ZstdDecompressor(max_window_size=_DICTIONARY).stream_reader(packed)
    return reader.read


class _Readable:
    def __init__(self, source: MemberSource) -> None:
        self._source = source

    def read(self, most: int = -1) -> bytes:
        return self._source.packed(_CHUNK if most < 0 else most)


def _inflated(inflate: Any, source: MemberSource, most: int) -> bytes:
    while not inflate.eof:
        packed = inflate.unconsumed_tail or source.packed(_CHUNK)
        if data := inflate.decompress(packed, most):
            return bytes(data)
        if not packed and not inflate.eof:
            raise Damaged
    return b""


def _stepped(decompress: Any, source: MemberSource, most: int) -> bytes:
    while not decompress.eof:
        packed = source.packed(_CHUNK) if decompress.needs_input else b""
        if not packed and decompress.needs_input:
            return b""  # LZMA without an end mark; the size tells whether something is missing
        try:
            data = decompress.decompress(packed, most)
        except OSError as error:  # bzip2's word for damage; it is no fault of the disk
            raise Damaged from error
        if data:
            return bytes(data)
    return b""


def _raw_lzma(source: MemberSource) -> lzma.LZMADecompressor:
    """The decompressor that the properties in front of the data describe (APPNOTE 5.8)."""
    head = source.packed(4)
    properties = source.packed(struct.unpack("<H", head[2:4])[0]) if len(head) == 4 else b""
    if len(properties) != 5:
        raise Damaged
    rest, literal = divmod(properties[0], 9)
    position, low = divmod(rest, 5)
    dictionary = struct.unpack_from("<I", properties, 1)[0]
    if dictionary > _DICTIONARY or position > 4:
        raise Damaged
    told = {"id": lzma.FILTER_LZMA1, "dict_size": max(4096, dictionary), "lc": literal, "lp": low, "pb": position}
    return lzma.LZMADecompressor(lzma.FORMAT_RAW, filters=[told])
