"""Folder without files."""

from __future__ import annotations

from pathlib import Path


def make(folder: Path) -> Path:
    (folder / "in" / "deep").mkdir(parents=True)
    return folder / "in"
