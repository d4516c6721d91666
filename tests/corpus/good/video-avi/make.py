"""Two seconds of video."""

from __future__ import annotations

from pathlib import Path

from tests.corpus.makers.names import one
from tests.corpus.makers.sound import avi


def make(folder: Path) -> Path:
    return one(folder, "入户.avi", avi())
