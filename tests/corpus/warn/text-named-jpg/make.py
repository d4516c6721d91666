"""A text under a picture's name."""

from __future__ import annotations

from pathlib import Path

from tests.corpus.makers.names import one


def make(folder: Path) -> Path:
    return one(folder, "照片.jpg", "这不是照片。" * 50)
