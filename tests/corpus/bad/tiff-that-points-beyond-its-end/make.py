"""A TIFF whose directory lies nowhere."""

from __future__ import annotations

from pathlib import Path

from tests.corpus.makers.names import one


def make(folder: Path) -> Path:
    return one(folder, "照片.tif", b"II*\0\xff\xff\xff\x0f" + bytes(200))
