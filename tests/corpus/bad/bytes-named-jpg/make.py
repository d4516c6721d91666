"""Random bytes under a picture's name."""

from __future__ import annotations

from pathlib import Path
from random import Random

from tests.corpus.makers.names import one


def make(folder: Path) -> Path:
    return one(folder, "照片.jpg", Random(1).randbytes(5_000))
