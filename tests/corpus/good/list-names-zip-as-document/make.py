"""List names zip as document."""

from __future__ import annotations

from pathlib import Path

from tests.corpus.makers.archives import zipped
from tests.corpus.makers.lists import listed


def make(folder: Path) -> Path:
    root = listed(folder, records=[{"title": "附件", "files": ["c.zip", "a.txt", "b.txt"]}])
    zipped(root / "c.zip", [("x.txt", b"x")])
    return root
