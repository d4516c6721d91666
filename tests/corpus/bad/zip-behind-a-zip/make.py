"""Two archives in one file."""

from __future__ import annotations

from pathlib import Path

from tests.corpus.makers.archives import inside
from tests.corpus.makers.names import one


def make(folder: Path) -> Path:
    return one(folder, "t.zip", inside(("a.txt", b"abc")) + inside(("b.txt", b"xyz")))
