"""Rare surnames outside the basic plane."""

from __future__ import annotations

from pathlib import Path

from tests.corpus.makers.names import named


def make(folder: Path) -> Path:
    return named(folder, "𠮷㛃䶮.txt")
