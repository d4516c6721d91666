"""Bag without data."""

from __future__ import annotations

import shutil
from pathlib import Path

from tests.corpus.makers.bags import bag


def make(folder: Path) -> Path:
    root = bag(folder)
    shutil.rmtree(root / "data")
    return root
