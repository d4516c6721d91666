"""A phone's picture of which nothing is left."""

from __future__ import annotations

from pathlib import Path

from tests.corpus.makers.names import one


def make(folder: Path) -> Path:
    return one(folder, "IMG_1.heic", b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(100))
