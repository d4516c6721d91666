"""Folder of many files."""

from __future__ import annotations

from pathlib import Path


def make(folder: Path) -> Path:
    (folder / "in").mkdir()
    for number in range(10):
        (folder / "in" / f"{number}.txt").write_text(str(number))
    return folder / "in"
