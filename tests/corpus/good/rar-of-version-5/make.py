"""A RAR 5 archive of stored files."""

from __future__ import annotations

from pathlib import Path

from tests.corpus.makers.archives import rar5
from tests.corpus.makers.names import one


def make(folder: Path) -> Path:
    return one(folder, "材料.rar", rar5({"申请书.txt": "申请".encode(), "b.txt": "说明".encode()}))
