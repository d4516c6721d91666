"""A recording that breaks off."""

from __future__ import annotations

from pathlib import Path

from tests.corpus.makers.names import one
from tests.corpus.makers.pictures import cut
from tests.corpus.makers.sound import wav


def make(folder: Path) -> Path:
    return one(folder, "笔录.wav", cut(wav(), 0.6))
