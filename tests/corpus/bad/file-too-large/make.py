"""A file over the limit of the site."""

from __future__ import annotations

from pathlib import Path

from tests.corpus.makers.names import one


def make(folder: Path) -> Path:
    return one(folder, "a.bin", bytes(2_000))
