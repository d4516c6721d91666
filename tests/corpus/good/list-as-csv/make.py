"""A CSV in GB 18030 that lists the files."""

from __future__ import annotations

from pathlib import Path

from tests.corpus.makers.tables import row, tabled


def make(folder: Path) -> Path:
    return tabled(folder, row(1, "a.txt;b.txt"), name="移交清单.csv")
