"""A bell and an escape in names."""

from __future__ import annotations

from pathlib import Path

from tests.corpus.makers.names import named


def make(folder: Path) -> Path:
    return named(folder, "a\x07.txt", "b\x1b[31m.txt")
