"""Hidden files are files."""

from __future__ import annotations

from pathlib import Path

from tests.corpus.makers.names import named


def make(folder: Path) -> Path:
    return named(folder, ".hidden", "..a.txt", "-rf.txt")
