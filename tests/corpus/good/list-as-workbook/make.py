"""An XLSX that lists the files."""

from __future__ import annotations

from pathlib import Path

from tests.corpus.makers.tables import row, tabled


def make(folder: Path) -> Path:
    return tabled(folder, row(1, "b.txt", 日期="2024-03-05", 页数=1), row(2, "a.txt"))
