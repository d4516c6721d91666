"""A bomb laid in layers."""

from __future__ import annotations

from pathlib import Path

from tests.corpus.makers.archives import inside
from tests.corpus.makers.names import one


def make(folder: Path) -> Path:
    bomb = inside(*((f"{n}.bin", bytes(2 << 20)) for n in range(4)))
    return one(folder, "t.zip", inside(("u.zip", bomb)))
