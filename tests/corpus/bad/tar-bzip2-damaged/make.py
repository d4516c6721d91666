"""A TAR (bzip2) damaged in its middle."""

from __future__ import annotations

from pathlib import Path
from random import Random

from tests.corpus.makers.archives import write_tar


def make(folder: Path) -> Path:
    path = write_tar(folder / "材料.tar.bz2", [("a.bin", Random(1).randbytes(9_000))], "w:bz2")
    data = bytearray(path.read_bytes())
    data[20] ^= 0xFF
    path.write_bytes(data)
    return path
