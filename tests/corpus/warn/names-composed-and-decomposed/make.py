"""Two names that differ by their Unicode form only."""

from __future__ import annotations

from pathlib import Path

from tests.corpus.makers.names import named


def make(folder: Path) -> Path:
    return named(folder, "caf\u00e9.txt", "cafe\u0301.txt")
