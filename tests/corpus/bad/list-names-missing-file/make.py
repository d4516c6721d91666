"""List names missing file."""

from __future__ import annotations

from pathlib import Path

from tests.corpus.makers.lists import listed


def make(folder: Path) -> Path:
    return listed(folder, records=[{"title": "申请", "files": ["c.txt", "a.txt"]}])
