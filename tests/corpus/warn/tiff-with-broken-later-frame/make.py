"""The first frames of a TIFF that breaks off."""

from __future__ import annotations

from pathlib import Path

from tests.corpus.makers.names import one
from tests.corpus.makers.pictures import cut, noise, saved


def make(folder: Path) -> Path:
    first, *more = (noise((60, 50), seed) for seed in range(5))
    return one(folder, "多页.tif", cut(saved(first, "TIFF", save_all=True, append_images=more), 0.6))
