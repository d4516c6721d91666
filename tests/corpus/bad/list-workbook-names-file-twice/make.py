"""A file in two records."""

from __future__ import annotations

from pathlib import Path

from tests.corpus.makers.tables import row, tabled


def make(folder: Path) -> Path:
    return tabled(folder, row(1, "a.txt;b.txt"), row(2, "a.txt"))
