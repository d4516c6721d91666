"""Emoji are ordinary characters."""

from __future__ import annotations

from pathlib import Path

from tests.corpus.makers.names import named


def make(folder: Path) -> Path:
    return named(folder, "😀材料🏠.txt")
