"""Silence without loss."""

from __future__ import annotations

from pathlib import Path

from tests.corpus.makers.names import one
from tests.corpus.makers.sound import flac


def make(folder: Path) -> Path:
    return one(folder, "笔录.flac", flac())
