"""A OFD that breaks off."""

from __future__ import annotations

from pathlib import Path

from tests.corpus.makers.names import one
from tests.corpus.makers.papers import ofd
from tests.corpus.makers.pictures import cut


def make(folder: Path) -> Path:
    return one(folder, "电子凭证.ofd", cut(ofd(), 0.6))
