"""A workbook."""

from __future__ import annotations

from pathlib import Path

from tests.corpus.makers.documents import workbook
from tests.corpus.makers.names import one


def make(folder: Path) -> Path:
    return one(folder, "花名册.xlsx", workbook())
