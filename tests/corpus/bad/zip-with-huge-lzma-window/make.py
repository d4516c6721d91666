"""A packing that asks for gigabytes of memory."""

from __future__ import annotations

import struct
from pathlib import Path

from tests.corpus.makers.archives import write_zip, zip_entry


def make(folder: Path) -> Path:
    packed = b"\x09\x14\x05\x00" + b"\x5d" + struct.pack("<I", 0xFFFFFFFF) + bytes(100)
    return write_zip(folder / "t.zip", zip_entry(b"a.txt", b"abc", method=14, packed=packed))
