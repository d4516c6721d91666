"""A second ZIP in the comment of the first."""

from __future__ import annotations

import struct
from pathlib import Path

from tests.corpus.makers.archives import inside
from tests.corpus.makers.names import one


def make(folder: Path) -> Path:
    whole, inner = inside(("a.txt", b"abc")), inside(("b.txt", b"xyz"))
    return one(folder, "t.zip", whole[:-2] + struct.pack("<H", len(inner)) + inner)
