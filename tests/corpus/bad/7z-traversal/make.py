"""A 7z that leads out of its folder."""

from __future__ import annotations

from pathlib import Path

from tests.corpus.makers.archives import write_7z


def make(folder: Path) -> Path:
    return write_7z(folder / "材料.7z", {"../a.txt": b"a"})
