"""A 7z archive."""

from __future__ import annotations

from pathlib import Path

from tests.corpus.makers.archives import write_7z


def make(folder: Path) -> Path:
    return write_7z(folder / "材料.7z", {"申请书.txt": "申请".encode(), "b.txt": "说明".encode()})
