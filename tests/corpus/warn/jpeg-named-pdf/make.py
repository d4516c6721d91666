"""A picture under a document's name."""

from __future__ import annotations

from pathlib import Path

from tests.corpus.makers.names import one
from tests.corpus.makers.pictures import picture


def make(folder: Path) -> Path:
    return one(folder, "扫描.pdf", picture(".jpg"))
