"""A ZIP of a newer method."""

from __future__ import annotations

import zipfile
from pathlib import Path

from tests.corpus.makers.archives import zipped


def make(folder: Path) -> Path:
    return zipped(folder / "t.zip", [("说明.txt", "说明".encode() * 100)], zipfile.ZIP_LZMA)
