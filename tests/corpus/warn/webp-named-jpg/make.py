"""A WEBP under another format's name."""

from __future__ import annotations

from pathlib import Path

from tests.corpus.makers.names import one
from tests.corpus.makers.pictures import picture


def make(folder: Path) -> Path:
    return one(folder, "照片.jpg", picture(".webp"))
