"""A PNG with an alpha channel."""

from __future__ import annotations

from pathlib import Path

from tests.corpus.makers.names import one
from tests.corpus.makers.pictures import noise, saved


def make(folder: Path) -> Path:
    return one(folder, "印章.png", saved(noise().convert("RGBA"), "PNG"))
