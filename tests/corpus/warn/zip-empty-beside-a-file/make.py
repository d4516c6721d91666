"""A container without a file."""

from __future__ import annotations

from pathlib import Path

from tests.corpus.makers.archives import zipped
from tests.corpus.makers.names import named


def make(folder: Path) -> Path:
    root = named(folder, "a.txt")
    zipped(root / "空.zip", [])
    return root
