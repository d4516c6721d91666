"""Random bytes under a text's name."""

from __future__ import annotations

from pathlib import Path
from random import Random

from tests.corpus.makers.names import one


def make(folder: Path) -> Path:
    return one(folder, "说明.txt", Random(5).randbytes(4_000))
