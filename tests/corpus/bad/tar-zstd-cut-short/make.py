"""A TAR (Zstandard) that breaks off."""

from __future__ import annotations

from pathlib import Path
from random import Random

import zstandard

from tests.corpus.makers.names import one
from tests.corpus.makers.pictures import cut


def make(folder: Path) -> Path:
    return one(folder, "材料.tar.zst", cut(zstandard.compress(Random(1).randbytes(9_000)), 0.5))
