"""A RAR whose file is not what its checksum says."""

from __future__ import annotations

from pathlib import Path

from tests.corpus.makers.archives import rar4
from tests.corpus.makers.names import one


def make(folder: Path) -> Path:
    return one(folder, "材料.rar", rar4({b"a.txt": b"one"}, crc=1))
