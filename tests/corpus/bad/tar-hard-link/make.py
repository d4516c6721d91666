"""Tar hard link."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path


def make(folder: Path) -> Path:
    with tarfile.open(folder / "t.tar", "w") as out:
        first = tarfile.TarInfo("a.txt")
        first.size = 1
        out.addfile(first, io.BytesIO(b"a"))
        link = tarfile.TarInfo("b.txt")
        link.type, link.linkname = tarfile.LNKTYPE, "/etc/passwd"
        out.addfile(link)
    return folder / "t.tar"
