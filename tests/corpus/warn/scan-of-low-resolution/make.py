"""A page at 150 dots an inch."""

from __future__ import annotations

from pathlib import Path

from tests.corpus.makers.names import one
from tests.corpus.makers.papers import page
from tests.corpus.makers.pictures import saved


def make(folder: Path) -> Path:
    return one(folder, "扫描.jpg", saved(page((1240, 1754)), "JPEG", dpi=(150, 150)))
