"""A list that is no workbook."""

from __future__ import annotations

from pathlib import Path

from tests.corpus.makers.tables import tabled


def make(folder: Path) -> Path:
    root = tabled(folder)
    (root / "移交清单.xlsx").write_bytes(b"PK\x03\x04 no workbook")
    return root
