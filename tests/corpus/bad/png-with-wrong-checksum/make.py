"""A PNG damaged in its middle."""

from __future__ import annotations

from pathlib import Path

from tests.corpus.makers.names import one
from tests.corpus.makers.pictures import picture


def make(folder: Path) -> Path:
    data = bytearray(picture(".png"))
    data[len(data) // 2] ^= 0xFF
    return one(folder, "照片.png", bytes(data))
