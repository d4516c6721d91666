"""Folder with odd names."""

from __future__ import annotations

import os
from pathlib import Path


def make(folder: Path) -> Path:
    (folder / "in").mkdir()
    for name in (b"\xff\xfe\x80.txt", "换\n行.txt".encode(), "\u202egnp.txt".encode(), b"A.txt", b"a.txt", b"CON.txt"):
        Path(os.fsdecode(os.fsencode(folder / "in") + b"/" + name)).write_bytes(name)
    return folder / "in"
