"""A Chinese name as long as file systems take."""

from __future__ import annotations

from pathlib import Path

from tests.corpus.makers.names import named


def make(folder: Path) -> Path:
    return named(folder, "证" * 83 + ".txt")
