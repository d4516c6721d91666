"""A ZIP that holds itself, as deep as anybody opens it."""

from __future__ import annotations

from pathlib import Path

from tests.corpus.makers.archives import inside
from tests.corpus.makers.names import one


def make(folder: Path) -> Path:
    data = inside(("a.txt", b"x"))
    for _ in range(6):
        data = inside(("t.zip", data))
    return one(folder, "t.zip", data)
