"""A list that unfolds to ninety megabytes."""

from __future__ import annotations

from pathlib import Path

from tests.corpus.makers.documents import repacked
from tests.corpus.makers.tables import row, tabled


def make(folder: Path) -> Path:
    root = tabled(folder, row(1, "a.txt;b.txt"))
    bomb = b"<worksheet>" + b" " * (90 << 20) + b"</worksheet>"
    data = repacked(
        (root / "移交清单.xlsx").read_bytes(), lambda parts: parts.update({"xl/worksheets/sheet1.xml": bomb})
    )
    (root / "移交清单.xlsx").write_bytes(data)
    return root
