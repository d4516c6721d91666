"""A small file may pack a thousandfold."""

from __future__ import annotations

import zipfile
from pathlib import Path

from tests.corpus.makers.archives import zipped


def make(folder: Path) -> Path:
    return zipped(folder / "t.zip", [("说明.txt", b" " * 4_000_000)], zipfile.ZIP_DEFLATED)
