"""Tar traversal."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path


def make(folder: Path) -> Path:
    with tarfile.open(folder / "t.tar.gz", "w:gz") as out:
        entry = tarfile.TarInfo("../x")
        entry.size = 1
        out.addfile(entry, io.BytesIO(b"a"))
    return folder / "t.tar.gz"
