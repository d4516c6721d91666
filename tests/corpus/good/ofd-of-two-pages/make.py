"""OFD is told from any other ZIP."""

from __future__ import annotations

from pathlib import Path

from tests.corpus.makers.names import one
from tests.corpus.makers.papers import ofd


def make(folder: Path) -> Path:
    return one(folder, "电子凭证.ofd", ofd(pages=2))
