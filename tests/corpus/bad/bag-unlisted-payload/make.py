"""Bag unlisted payload."""

from __future__ import annotations

from pathlib import Path

from tests.corpus.makers.bags import bag


def make(folder: Path) -> Path:
    root = bag(folder)
    (root / "data" / "extra.txt").write_text("多")
    return root
