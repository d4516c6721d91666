"""Two names that differ by case only."""

from __future__ import annotations

from pathlib import Path

from tests.corpus.makers.names import named


def make(folder: Path) -> Path:
    return named(folder, "Read.txt", "README.txt", "readme.txt")
