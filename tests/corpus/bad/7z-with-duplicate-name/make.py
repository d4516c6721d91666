"""A 7z that names two files the same."""

from __future__ import annotations

from pathlib import Path

import libarchive


def make(folder: Path) -> Path:
    with libarchive.file_writer(str(folder / "材料.7z"), "7zip") as out:
        for data in (b"a", b"b"):
            out.add_file_from_memory("a.txt", 1, data)
    return folder / "材料.7z"
