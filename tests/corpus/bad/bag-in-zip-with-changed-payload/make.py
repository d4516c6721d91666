"""A packed bag whose payload was changed."""

from __future__ import annotations

import shutil
from pathlib import Path

from tests.corpus.makers.bags import bag


def make(folder: Path) -> Path:
    root = bag(folder, ["sha256"])
    (root / "data" / "a.txt").write_text("丙")
    shutil.make_archive(str(folder / "bag"), "zip", root)
    return folder / "bag.zip"
