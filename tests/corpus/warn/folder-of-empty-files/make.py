"""Files without a byte."""

from __future__ import annotations

from pathlib import Path

from tests.corpus.makers.names import named


def make(folder: Path) -> Path:
    root = named(folder, "a.txt")
    (root / "空.txt").touch()
    (root / "空.pdf").touch()
    return root
