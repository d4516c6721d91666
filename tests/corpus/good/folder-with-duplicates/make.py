"""Folder with duplicates."""

from __future__ import annotations

from pathlib import Path


def make(folder: Path) -> Path:
    (folder / "in").mkdir()
    for name in ("甲.txt", "乙.txt"):
        (folder / "in" / name).write_text("同一内容")
    return folder / "in"
