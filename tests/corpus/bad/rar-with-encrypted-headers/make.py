"""A RAR of version 5 whose names are encrypted."""

from __future__ import annotations

from pathlib import Path

from tests.corpus.makers.names import one


def make(folder: Path) -> Path:
    return one(folder, "材料.rar", b"Rar!\x1a\x07\x01\x00" + bytes(4) + b"\x21\x04\x00\x00\x00\x0f" + bytes(40))
