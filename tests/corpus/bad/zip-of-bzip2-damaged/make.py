"""A ZIP whose bzip2 stream is damaged."""

from __future__ import annotations

import zipfile
from pathlib import Path
from random import Random

from tests.corpus.makers.archives import zipped


def make(folder: Path) -> Path:
    path = zipped(folder / "t.zip", [("a.bin", Random(1).randbytes(9_000))], zipfile.ZIP_BZIP2)
    data = bytearray(path.read_bytes())
    data[60] ^= 0xFF
    path.write_bytes(data)
    return path
