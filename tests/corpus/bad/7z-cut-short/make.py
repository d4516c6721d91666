"""A 7z that breaks off."""

from __future__ import annotations

from pathlib import Path

from tests.corpus.makers.archives import write_7z


def make(folder: Path) -> Path:
    path = write_7z(folder / "材料.7z", {"a.txt": b"a" * 1000})
    path.write_bytes(path.read_bytes()[:-20])
    return path
