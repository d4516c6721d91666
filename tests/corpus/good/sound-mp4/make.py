"""Sound in MP4."""

from __future__ import annotations

from pathlib import Path

from tests.corpus.makers.names import one
from tests.corpus.makers.recordings import mp4


def make(folder: Path) -> Path:
    return one(folder, "笔录.mp4", mp4())
