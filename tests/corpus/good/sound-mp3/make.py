"""Two seconds of silence."""

from __future__ import annotations

from pathlib import Path

from tests.corpus.makers.names import one
from tests.corpus.makers.sound import mp3


def make(folder: Path) -> Path:
    return one(folder, "笔录.mp3", mp3())
