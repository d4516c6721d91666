"""A column that nobody knows is passed over."""

from __future__ import annotations

from pathlib import Path

from tests.corpus.makers.tables import tabled


def make(folder: Path) -> Path:
    return tabled(folder, ("材料", "a.txt;b.txt", "x"), headings=("题名", "文件", "柜号"))
