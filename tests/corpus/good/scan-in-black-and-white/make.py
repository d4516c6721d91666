"""A page in fax compression."""

from __future__ import annotations

from pathlib import Path

from tests.corpus.makers.names import one
from tests.corpus.makers.papers import page
from tests.corpus.makers.pictures import A4, saved


def make(folder: Path) -> Path:
    return one(folder, "扫描.tif", saved(page(A4).convert("1"), "TIFF", compression="group4", dpi=(200, 200)))
