"""Zip overlapping entries."""

from __future__ import annotations

import struct
from pathlib import Path

from tests.corpus.makers.archives import zipped


def make(folder: Path) -> Path:
    path = zipped(folder / "t.zip", [("a.txt", b"x" * 1000), ("b.txt", b"y" * 1000)])
    data = bytearray(path.read_bytes())
    second = data.rfind(b"PK\x01\x02")
    struct.pack_into("<I", data, second + 42, 10)
    path.write_bytes(bytes(data))
    return path
