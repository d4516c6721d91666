"""A household that nobody knows."""

from __future__ import annotations

from pathlib import Path

from tests.corpus.makers.tables import NUMBER, row, tabled


def make(folder: Path) -> Path:
    return tabled(folder, row(1, "a.txt;b.txt", 户号=NUMBER, 救助项目="DB"))
