"""A page that is black."""

from __future__ import annotations

from pathlib import Path

from PIL import Image

from tests.corpus.makers.names import one
from tests.corpus.makers.pictures import A4, saved


def make(folder: Path) -> Path:
    return one(folder, "扫描.jpg", saved(Image.new("L", A4, 8), "JPEG", dpi=(200, 200)))
