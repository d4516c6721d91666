"""Folder with pipe."""

from __future__ import annotations

import os
from pathlib import Path


def make(folder: Path) -> Path:
    (folder / "in").mkdir()
    (folder / "in" / "a.txt").write_text("a")
    os.mkfifo(folder / "in" / "pipe")
    return folder / "in"
