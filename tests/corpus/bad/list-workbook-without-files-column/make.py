"""A list that does not say which files."""

from __future__ import annotations

from pathlib import Path

from tests.corpus.makers.tables import tabled


def make(folder: Path) -> Path:
    return tabled(folder, ("材料",), headings=("题名",))
