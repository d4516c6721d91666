"""Bag with missing tag."""

from __future__ import annotations

from pathlib import Path

from tests.corpus.makers.bags import bag


def make(folder: Path) -> Path:
    root = bag(folder)
    (root / "bag-info.txt").unlink()
    return root
