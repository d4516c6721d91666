"""More frames than are decoded."""

from __future__ import annotations

from pathlib import Path

from tests.corpus.makers.names import one
from tests.corpus.makers.pictures import noise, saved


def make(folder: Path) -> Path:
    first, *more = (noise((60, 50), seed) for seed in range(5))
    return one(folder, "多页.tif", saved(first, "TIFF", save_all=True, append_images=more))
