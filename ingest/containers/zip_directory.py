"""The directory of a ZIP (APPNOTE 6.3), read by ourselves: bounded, with the names' own bytes, and held to the entries.

A program that reads a ZIP from its directory and one that reads it from its front must see the same files; where they
would not, the container stays shut. Only headers are read here, none of the content.
"""

from __future__ import annotations

import os
import stat
import struct
import zlib
from dataclasses import dataclass
from typing import NamedTuple

from ingest.containers.members import Clock, Damaged
from ingest.limits import IngestLimits

UTF8_FLAG, ENCRYPTED_FLAG, DESCRIPTOR_FLAG = 0x800, 0x1, 0x8
UNREADABLE_FLAGS = 0x20 | 0x40 | 0x2000  # patches, strong encryption, masked headers
_END, _END64, _LOCATOR64 = b"PK\x05\x06", b"PK\x06\x06", b"PK\x06\x07"
_ENTRY, _LOCAL, _DESCRIPTOR = b"PK\x01\x02", b"PK\x03\x04", b"PK\x07\x08"
_ENTRY_FORM = struct.Struct("<4sBBHHHHHIIIHHHHHII")
_LOCAL_FORM = struct.Struct("<4sHHHHHIIIHH")
_TAIL = 22 + 0xFFFF
_FULL32, _FULL16 = 0xFFFFFFFF, 0xFFFF
_UNIX = {3, 19}
_ESCAPES = b"#?_"  # what an archiver writes for characters that its code page lacks


class Entry(NamedTuple):
    """One entry of the directory, as it says itself; ``data`` is where its bytes begin and ``end`` where they end."""

    name: bytes
    unicode_name: str | None
    flags: int
    method: int
    crc: int
    packed: int
    size: int
    offset: int
    kind: str
    data: int
    end: int


@dataclass(frozen=True, slots=True)
class Directory:
    """Every entry, and how many bytes follow after the ZIP's proper end."""

    entries: list[Entry]
    trailing: int


class _End(NamedTuple):
    entries: int
    size: int
    at: int
    shift: int
    trailing: int


def read_directory(handle: int, limits: IngestLimits, clock: Clock) -> Directory:
    """The directory of the ZIP open at ``handle``; ``Damaged`` with the finding when it is broken or lies."""
    end = _read_end(handle, os.fstat(handle).st_size)
    too_many = Damaged("container.too_many_entries", limit=limits.container_entries)
    if end.entries > limits.container_entries or end.size > limits.directory_bytes:
        raise too_many
    data = os.pread(handle, end.size, end.at)
    if len(data) != end.size:
        raise Damaged
    entries: list[Entry] = []
    at = 0
    while at < len(data):
        if len(entries) >= limits.container_entries:
            raise too_many
        if not len(entries) % 256:
            clock.check()
        entry, at = _read_entry(data, at, end.shift)
        entries.append(entry)
    if len(entries) != end.entries:
        raise Damaged("container.mismatch")
    held: list[Entry] = []
    for number, entry in enumerate(entries):
        if not number % 256:
            clock.check()
        try:
            held.append(_held_to_its_own_header(handle, entry, end.at))
        except Damaged as damaged:
            if damaged.code == "container.damaged" and _lies_inside_another(entry, entries):
                raise Damaged("container.overlap") from damaged
            raise
    _no_hidden_entries(handle, held, end.at)
    return Directory(held, end.trailing)


def _lies_inside_another(entry: Entry, entries: list[Entry]) -> bool:
    """Whether ``entry`` begins within what another takes up at least: that it has no header there follows from it."""
    return any(
        one.offset < entry.offset < one.offset + _LOCAL_FORM.size + len(one.name) + one.packed for one in entries
    )


def _read_end(handle: int, size: int) -> _End:
    """The end record: where the directory lies. Two that both fit would give two programs two directories."""
    start = max(0, size - _TAIL)
    tail = os.pread(handle, size - start, start)
    fitting: list[_End] = []
    at = tail.rfind(_END)
    while at >= 0:
        if (found := _end_at(handle, tail, start, at, size)) is not None:
            fitting.append(found)
        at = tail.rfind(_END, 0, at)
    exact = [one for one in fitting if one.trailing == 0]
    if not fitting:
        raise Damaged
    if len(exact) > 1 or (fitting[0].trailing and exact):
        raise Damaged("container.mismatch")
    return fitting[0]


def _end_at(handle: int, tail: bytes, start: int, at: int, size: int) -> _End | None:
    if len(tail) < at + 22:
        return None
    disk, first_disk, here, entries, length, offset, comment = struct.unpack_from("<HHHHIIH", tail, at + 4)
    trailing = size - (start + at + 22 + comment)
    if trailing < 0:
        return None
    directory_end = start + at
    if at >= 20 and tail[at - 20 : at - 16] == _LOCATOR64:
        place = struct.unpack_from("<Q", tail, at - 12)[0]
        record = os.pread(handle, 56, place) if place < size else b""
        if len(record) < 56 or not record.startswith(_END64):
            return None
        disk, first_disk, here, entries, length, offset = struct.unpack_from("<IIQQQQ", record, 16)
        directory_end = place
    if disk or first_disk or here != entries:
        raise Damaged("container.unsupported")
    begins = directory_end - length
    if begins < 0 or begins < offset:
        return None
    if length and os.pread(handle, 4, begins) != _ENTRY:
        return None
    return _End(entries, length, begins, begins - offset, trailing)


def _read_entry(data: bytes, at: int, shift: int) -> tuple[Entry, int]:
    try:
        (
            sig,
            _,
            host,
            _,
            flags,
            method,
            _,
            _,
            crc,
            packed,
            size,
            name_length,
            extra_length,
            comment,
            _,
            _,
            mode,
            offset,
        ) = _ENTRY_FORM.unpack_from(data, at)
    except struct.error as error:
        raise Damaged from error
    begins = at + _ENTRY_FORM.size
    stop = begins + name_length + extra_length + comment
    if sig != _ENTRY or stop > len(data):
        raise Damaged
    name = data[begins : begins + name_length]
    extra = _extra(data[begins + name_length : begins + name_length + extra_length])
    size, packed, offset = _wide(extra.get(1, b""), size, packed, offset)
    kind = _kind(name, host, mode, size)
    told = _unicode_name(extra.get(0x7075, b""), name)
    return Entry(name, told, flags, method, crc, packed, size, offset + shift, kind, 0, 0), stop


def _extra(data: bytes) -> dict[int, bytes]:
    found: dict[int, bytes] = {}
    at = 0
    while at + 4 <= len(data):
        which, length = struct.unpack_from("<HH", data, at)
        found.setdefault(which, data[at + 4 : at + 4 + length])
        at += 4 + length
    return found


def _wide(extra: bytes, *values: int) -> tuple[int, ...]:
    """The values with those that say "too large for 32 bits" taken from the Zip64 extra field, in its order."""
    told = []
    at = 0
    for value in values:
        if value == _FULL32:
            if len(extra) < at + 8:
                raise Damaged
            told.append(int(struct.unpack_from("<Q", extra, at)[0]))
            at += 8
        else:
            told.append(value)
    return tuple(told)


def _kind(name: bytes, host: int, attributes: int, size: int) -> str:
    mode = attributes >> 16 if host in _UNIX else 0
    if stat.S_ISLNK(mode):
        return "link"
    if stat.S_IFMT(mode) not in {0, stat.S_IFREG, stat.S_IFDIR}:
        return "special"
    if name.endswith(b"/"):
        if size:
            raise Damaged("container.mismatch")  # a folder with content: some programs would make a file of it
        return "folder"
    return "folder" if attributes & 0x10 and not size and host == 0 else "file"


def _unicode_name(extra: bytes, name: bytes) -> str | None:
    """The name of an Info-ZIP Unicode Path extra field, if it is about this name (APPNOTE 4.6.9)."""
    if len(extra) < 6 or extra[0] != 1 or struct.unpack_from("<I", extra, 1)[0] != zlib.crc32(name):
        return None
    try:
        told = extra[5:].decode("utf-8")
    except UnicodeDecodeError:
        return None
    if name.isascii() and told.encode() != name and not any(one in name for one in _ESCAPES):
        raise Damaged("container.mismatch")
    return told


def _held_to_its_own_header(handle: int, entry: Entry, directory: int) -> Entry:
    """``entry`` with the place of its bytes; ``Damaged`` when the header in front of them says something else."""
    told = os.pread(handle, _LOCAL_FORM.size + len(entry.name) + 64, entry.offset)
    if len(told) < _LOCAL_FORM.size or not told.startswith(_LOCAL):
        raise Damaged
    _, _, flags, method, _, _, crc, packed, size, name_length, extra_length = _LOCAL_FORM.unpack_from(told)
    data = entry.offset + _LOCAL_FORM.size + name_length + extra_length
    end = data + entry.packed
    if end > directory:
        raise Damaged("container.overlap" if data < directory else "container.damaged")
    name = told[_LOCAL_FORM.size : _LOCAL_FORM.size + name_length]
    same = flags & (ENCRYPTED_FLAG | DESCRIPTOR_FLAG) == entry.flags & (ENCRYPTED_FLAG | DESCRIPTOR_FLAG)
    if name != entry.name or method != entry.method or not same:
        raise Damaged("container.mismatch")
    if _FULL32 in {packed, size}:
        extra = _extra(os.pread(handle, extra_length, data - extra_length))
        size, packed = _wide(extra.get(1, b""), size, packed)
    if flags & DESCRIPTOR_FLAG:
        end += _descriptor(handle, entry, end)
        fits = all(here in {0, there} for here, there in ((crc, entry.crc), (packed, entry.packed), (size, entry.size)))
    else:
        fits = (crc, packed, size) == (entry.crc, entry.packed, entry.size)
    if not fits:
        raise Damaged("container.mismatch")
    return entry._replace(data=data, end=end)


def _descriptor(handle: int, entry: Entry, at: int) -> int:
    """Bytes of the data descriptor behind an entry; it has four forms, one of which must say what the directory says."""
    told = os.pread(handle, 24, at)
    for form in ("<III", "<IQQ"):
        try:
            fields = struct.pack(form, entry.crc, entry.packed, entry.size)
        except struct.error:
            continue
        for wanted in (_DESCRIPTOR + fields, fields):
            if told.startswith(wanted):
                return len(wanted)
    raise Damaged("container.mismatch")


def _no_hidden_entries(handle: int, entries: list[Entry], directory: int) -> None:
    """No gap between entries may hold an entry that the directory does not name."""
    at = 0
    for offset, end in [*sorted((one.offset, one.end) for one in entries), (directory, directory)]:
        if offset > at and os.pread(handle, 4, at) == _LOCAL:
            raise Damaged("container.mismatch")
        at = max(at, end)
