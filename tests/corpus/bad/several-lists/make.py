"""Two lists in one deposit."""

from __future__ import annotations

from pathlib import Path

from tests.corpus.makers.tables import row, tabled


def make(folder: Path) -> Path:
    root = tabled(folder, row(1, "a.txt;b.txt"))
    (root / "移交清单.csv").write_bytes("题名,文件\n材料,a.txt\n".encode())
    return root
