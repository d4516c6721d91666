"""A page scanned straight and whole."""

from __future__ import annotations

from pathlib import Path

from tests.corpus.makers.names import one
from tests.corpus.makers.papers import page
from tests.corpus.makers.pictures import A4, saved


def make(folder: Path) -> Path:
    return one(folder, "扫描.jpg", saved(page(A4), "JPEG", dpi=(200, 200)))
