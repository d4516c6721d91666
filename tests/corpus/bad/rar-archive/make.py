"""Rar archive."""

from __future__ import annotations

from pathlib import Path


def make(folder: Path) -> Path:
    (folder / "t.rar").write_bytes(b"Rar!\x1a\x07\x01\x00" + bytes(100))
    return folder / "t.rar"
