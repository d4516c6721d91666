"""An extra field that names another file."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

from tests.corpus.makers.archives import write_zip, zip_entry


def make(folder: Path) -> Path:
    body = b"\x01" + struct.pack("<I", zlib.crc32(b"a.txt")) + b"b.exe"
    extra = struct.pack("<HH", 0x7075, len(body)) + body
    return write_zip(folder / "t.zip", zip_entry(b"a.txt", b"x", extra=extra))
