"""Folder with empty file."""

from __future__ import annotations

from pathlib import Path


def make(folder: Path) -> Path:
    (folder / "in").mkdir()
    (folder / "in" / "a.txt").write_text("a")
    (folder / "in" / "b.txt").write_bytes(b"")
    return folder / "in"
