"""Containers inside containers, within the limit."""

from __future__ import annotations

from pathlib import Path

from tests.corpus.makers.archives import inside
from tests.corpus.makers.names import one


def make(folder: Path) -> Path:
    return one(folder, "t.zip", inside(("u.zip", inside(("v.zip", inside(("说明.txt", "说明".encode())))))))
