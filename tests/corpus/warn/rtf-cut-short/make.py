"""A note whose last group is open."""

from __future__ import annotations

from pathlib import Path

from tests.corpus.makers.documents import RTF
from tests.corpus.makers.names import one


def make(folder: Path) -> Path:
    return one(folder, "说明.rtf", RTF[:-6])
