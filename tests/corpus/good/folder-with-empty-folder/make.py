"""An empty folder's name is recorded."""

from __future__ import annotations

from pathlib import Path

from tests.corpus.makers.names import named


def make(folder: Path) -> Path:
    (root := named(folder, "a.txt")).joinpath("空").mkdir()
    return root
