"""A TAR (xz) that breaks off."""

from __future__ import annotations

from pathlib import Path
from random import Random

from tests.corpus.makers.archives import write_tar
from tests.corpus.makers.pictures import cut


def make(folder: Path) -> Path:
    path = write_tar(folder / "材料.tar.xz", [("a.bin", Random(1).randbytes(9_000))], "w:xz")
    path.write_bytes(cut(path.read_bytes(), 0.3))
    return path
