"""Bag missing payload."""

from __future__ import annotations

from pathlib import Path

from tests.corpus.makers.bags import bag


def make(folder: Path) -> Path:
    root = bag(folder)
    (root / "data" / "a.txt").unlink()
    return root
