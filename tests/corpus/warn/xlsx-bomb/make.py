"""A sheet of ninety megabytes of blanks."""

from __future__ import annotations

from pathlib import Path

from tests.corpus.makers.documents import repacked, workbook
from tests.corpus.makers.names import one


def make(folder: Path) -> Path:
    bomb = b"<worksheet>" + b" " * (90 << 20) + b"</worksheet>"
    return one(
        folder, "名册.xlsx", repacked(workbook(), lambda parts: parts.update({"xl/worksheets/sheet1.xml": bomb}))
    )
