"""A BMP of which the lower half is missing."""

from __future__ import annotations

from pathlib import Path

from tests.corpus.makers.names import one
from tests.corpus.makers.pictures import cut, picture


def make(folder: Path) -> Path:
    return one(folder, "照片.bmp", cut(picture(".bmp"), 0.5))
