"""Random bytes under a recording's name."""

from __future__ import annotations

from pathlib import Path
from random import Random

from tests.corpus.makers.names import one


def make(folder: Path) -> Path:
    return one(folder, "笔录.mp3", Random(2).randbytes(5_000))
