"""Zip lies about size."""

from __future__ import annotations

import struct
import zipfile
from pathlib import Path

from tests.corpus.makers.archives import zipped


def make(folder: Path) -> Path:
    path = zipped(folder / "t.zip", [("a.txt", b"x" * 5000)], zipfile.ZIP_DEFLATED)
    data = bytearray(path.read_bytes())
    struct.pack_into("<I", data, data.rfind(b"PK\x01\x02") + 24, 10)
    path.write_bytes(bytes(data))
    return path
