"""A PPTX that breaks off."""

from __future__ import annotations

from pathlib import Path

from tests.corpus.makers.documents import slides
from tests.corpus.makers.names import one
from tests.corpus.makers.pictures import cut


def make(folder: Path) -> Path:
    return one(folder, "培训.pptx", cut(slides(), 0.6))
