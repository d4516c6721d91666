"""A progressive JPEG."""

from __future__ import annotations

from pathlib import Path

from tests.corpus.makers.names import one
from tests.corpus.makers.pictures import noise, saved


def make(folder: Path) -> Path:
    return one(folder, "照片.jpg", saved(noise(), "JPEG", progressive=True))
