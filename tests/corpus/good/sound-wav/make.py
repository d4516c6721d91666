"""Three seconds of sound."""

from __future__ import annotations

from pathlib import Path

from tests.corpus.makers.names import one
from tests.corpus.makers.sound import wav


def make(folder: Path) -> Path:
    return one(folder, "笔录.wav", wav())
