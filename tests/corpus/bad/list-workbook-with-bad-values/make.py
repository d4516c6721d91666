"""Dates, pages and types that are none."""

from __future__ import annotations

from pathlib import Path

from tests.corpus.makers.tables import row, tabled


def make(folder: Path) -> Path:
    return tabled(folder, row(1, "a.txt", 日期="明天"), row(2, "b.txt", 页数="很多"))
