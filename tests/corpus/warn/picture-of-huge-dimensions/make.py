"""Sixty thousand pixels square are not decoded."""

from __future__ import annotations

from pathlib import Path

from tests.corpus.makers.names import one
from tests.corpus.makers.pictures import flat_png


def make(folder: Path) -> Path:
    return one(folder, "huge.png", flat_png(60_000, 60_000))
