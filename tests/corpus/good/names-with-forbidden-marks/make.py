"""Marks that Windows keeps for itself."""

from __future__ import annotations

from pathlib import Path

from tests.corpus.makers.names import named


def make(folder: Path) -> Path:
    return named(folder, "申请:2024.txt", "what?.txt", "a|b.txt", "c\\d.txt")
