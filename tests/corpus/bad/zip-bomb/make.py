"""Zip bomb."""

from __future__ import annotations

import zipfile
from pathlib import Path

from tests.corpus.makers.archives import zipped


def make(folder: Path) -> Path:
    return zipped(folder / "t.zip", [("zeros.bin", bytes(8 << 20))], zipfile.ZIP_DEFLATED)
