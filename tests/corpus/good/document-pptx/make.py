"""A presentation."""

from __future__ import annotations

from pathlib import Path

from tests.corpus.makers.documents import slides
from tests.corpus.makers.names import one


def make(folder: Path) -> Path:
    return one(folder, "培训.pptx", slides())
