"""ZIPs as no honest program writes them."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from pathlib import Path


def zipped(path: Path, members: list[tuple[str | zipfile.ZipInfo, bytes]], method: int = zipfile.ZIP_STORED) -> Path:
    with zipfile.ZipFile(path, "w", method) as out:
        for name, data in members:
            out.writestr(name, data)
    return path


def raw_zip(path: Path, members: list[tuple[bytes, bytes]], *, flags: int = 0, method: int = 0) -> Path:
    """A ZIP of stored members with exactly these name bytes, as Python's writer would not make it."""
    out = io.BytesIO()
    directory = b""
    for name, data in members:
        crc, at = zlib.crc32(data), out.tell()
        common = struct.pack("<HHHHHIIIHH", 20, flags, method, 0, 0x21, crc, len(data), len(data), len(name), 0)
        out.write(b"PK\x03\x04" + common + name + data)
        directory += b"PK\x01\x02" + struct.pack("<H", 20) + common + struct.pack("<HHHII", 0, 0, 0, 0, at) + name
    at = out.tell()
    out.write(directory)
    out.write(b"PK\x05\x06" + struct.pack("<HHHHIIH", 0, 0, len(members), len(members), len(directory), at, 0))
    path.write_bytes(out.getvalue())
    return path
