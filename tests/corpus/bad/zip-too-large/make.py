"""Zip too large."""

from __future__ import annotations

import os
from pathlib import Path

from tests.corpus.makers.archives import zipped


def make(folder: Path) -> Path:
    return zipped(folder / "t.zip", [("big.bin", os.urandom(2 << 20))])
