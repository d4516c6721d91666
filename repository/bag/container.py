"""The stored ZIP in which a bag lies: headers as bytes, offsets known before anything is packed.

A subset of ISO/IEC 21320-1 (APPNOTE 6.3.3): members stored, never compressed or encrypted; names in UTF-8 with the
language flag; sizes and CRC-32 in the local header, no data descriptors; all times 1980-01-01 00:00; zip64 only where
a number does not fit; no comments, no folder entries, nothing before, between or behind the parts.
"""

from __future__ import annotations

import struct

_LOCAL = struct.Struct("<4sHHHHHIIIHH")
_CENTRAL = struct.Struct("<4sHHHHHHIIIHHHHHII")
_END64 = struct.Struct("<4sQHHIIQQQQ")
_LOCATOR64 = struct.Struct("<4sIQI")
_END = struct.Struct("<4sHHHHIIH")
UTF8 = 0x0800
_TIME, _DATE = 0, 0x21  # 1980-01-01 00:00, the first moment a ZIP can say
_UNIX = 3 << 8
_MODE = 0o100644 << 16
_MAX32, _MAX16 = 0xFFFFFFFF, 0xFFFF
_PLAIN, _ZIP64 = 20, 45

LOCAL_SIGNATURE = b"PK\x03\x04"
CENTRAL_SIGNATURE = b"PK\x01\x02"
LOCAL_LENGTH = _LOCAL.size


def local_header(name: str, size: int, crc32: int) -> bytes:
    """What stands before a member's bytes."""
    encoded = name.encode()
    if size < _MAX32:
        fields = (_PLAIN, UTF8, 0, _TIME, _DATE, crc32, size, size, len(encoded), 0)
        return _LOCAL.pack(LOCAL_SIGNATURE, *fields) + encoded
    extra = struct.pack("<HHQQ", 1, 16, size, size)
    fields = (_ZIP64, UTF8, 0, _TIME, _DATE, crc32, _MAX32, _MAX32, len(encoded), len(extra))
    return _LOCAL.pack(LOCAL_SIGNATURE, *fields) + encoded + extra


def local_header_length(name: str, size: int) -> int:
    """Length in bytes of ``local_header``."""
    return LOCAL_LENGTH + len(name.encode()) + (0 if size < _MAX32 else 20)


def read_local_header(header: bytes) -> tuple[int, int, int, int]:
    """(crc32, size, name length, extra length) of the fixed part of a local header."""
    crc, _packed, size, name, extra = _LOCAL.unpack(header)[6:]
    return crc, size, name, extra


def zip64_size(extra: bytes) -> int | None:
    """The size in a zip64 extra field, or ``None`` when there is none."""
    while len(extra) >= 4:
        kind, length = struct.unpack_from("<HH", extra)
        if kind == 1 and length >= 8:
            return int(struct.unpack_from("<Q", extra, 4)[0])
        extra = extra[4 + length :]
    return None


def central_header(name: str, size: int, crc32: int, offset: int) -> bytes:
    """A member's entry in the directory; ``offset`` is where its local header begins."""
    encoded = name.encode()
    wide = b""
    if size >= _MAX32:
        wide += struct.pack("<QQ", size, size)
    if offset >= _MAX32:
        wide += struct.pack("<Q", offset)
    extra = struct.pack("<HH", 1, len(wide)) + wide if wide else b""
    version = _ZIP64 if wide else _PLAIN
    shown = min(size, _MAX32)
    return (
        _CENTRAL.pack(
            CENTRAL_SIGNATURE, _UNIX | version, version, UTF8, 0, _TIME, _DATE, crc32, shown, shown,
            len(encoded), len(extra), 0, 0, 0, _MODE, min(offset, _MAX32),
        ) + encoded + extra
    )  # fmt: skip


def end_of_directory(count: int, offset: int, length: int) -> bytes:
    """What stands behind the directory of ``count`` entries that begins at ``offset``."""
    end = b""
    if count >= _MAX16 or offset >= _MAX32 or length >= _MAX32:
        version = _UNIX | _ZIP64
        end = _END64.pack(b"PK\x06\x06", _END64.size - 12, version, _ZIP64, 0, 0, count, count, length, offset)
        end += _LOCATOR64.pack(b"PK\x06\x07", 0, offset + length, 1)
    few = min(count, _MAX16)
    return end + _END.pack(b"PK\x05\x06", 0, 0, few, few, min(length, _MAX32), min(offset, _MAX32), 0)
