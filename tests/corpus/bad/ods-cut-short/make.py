"""A ODS that breaks off."""

from __future__ import annotations

from pathlib import Path

from tests.corpus.makers.documents import opendocument
from tests.corpus.makers.names import one
from tests.corpus.makers.pictures import cut


def make(folder: Path) -> Path:
    return one(folder, "名册.ods", cut(opendocument("spreadsheet"), 0.6))
