"""Checksums of a RAR's entries, from its headers: libarchive unpacks them but does not come to compare them."""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator

_SIGNATURE4, _SIGNATURE5 = b"Rar!\x1a\x07\x00", b"Rar!\x1a\x07\x01\x00"
_FILE4, _END4, _LARGE4, _MORE4 = 0x74, 0x7B, 0x100, 0x8000
_FILE5, _END5 = 2, 5
_LONGEST = 2 << 20  # bytes of a header of RAR 5


def checksums(handle: int) -> list[int | None]:
    """CRC-32 of every file and folder of the RAR open at ``handle``, in its order; None where it has none.

    ``ValueError`` when a header is cut short.
    """
    if os.pread(handle, 7, 0) == _SIGNATURE4:
        return list(_of_rar4(handle))
    if os.pread(handle, 8, 0) == _SIGNATURE5:
        return list(_of_rar5(handle))
    return []


def _of_rar4(handle: int) -> Iterator[int]:
    at = len(_SIGNATURE4)
    while len(block := os.pread(handle, 36, at)) >= 7:
        kind, flags, length = struct.unpack_from("<BHH", block, 2)
        data = 0
        if kind == _FILE4:
            if length < 32 or len(block) < 32:
                raise ValueError
            data, checksum = struct.unpack_from("<I", block, 7)[0], struct.unpack_from("<I", block, 16)[0]
            data += struct.unpack_from("<I", block.ljust(36, b"\x00"), 32)[0] << 32 if flags & _LARGE4 else 0
            yield checksum
        elif flags & _MORE4:
            data = struct.unpack_from("<I", block.ljust(11, b"\x00"), 7)[0]
        if kind == _END4 or length < 7:
            return
        at += length + data


def _of_rar5(handle: int) -> Iterator[int | None]:
    at = len(_SIGNATURE5)
    while len(start := os.pread(handle, 14, at)) >= 7:
        length, begins = _number(start, 4)
        if length > _LONGEST:
            raise ValueError
        header = os.pread(handle, length, at + begins)
        kind, place = _number(header, 0)
        flags, place = _number(header, place)
        _, place = _number(header, place) if flags & 1 else (0, place)
        data, place = _number(header, place) if flags & 2 else (0, place)
        if kind == _FILE5:
            yield _checksum5(header, place)
        if kind == _END5:
            return
        at += begins + length + data


def _checksum5(header: bytes, place: int) -> int | None:
    flags, place = _number(header, place)
    _, place = _number(header, place)
    _, place = _number(header, place)
    place += 4 if flags & 2 else 0
    if not flags & 4 or len(header) < place + 4:
        return None
    return int(struct.unpack_from("<I", header, place)[0])


def _number(data: bytes, at: int) -> tuple[int, int]:
    """A number of seven bits a byte, and the place behind it."""
    value = shift = 0
    for place in range(at, min(len(data), at + 10)):
        value |= (data[place] & 0x7F) << shift
        shift += 7
        if not data[place] & 0x80:
            return value, place + 1
    raise ValueError
