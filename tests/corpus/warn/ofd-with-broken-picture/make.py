"""A picture in an OFD that is none."""

from __future__ import annotations

from pathlib import Path

from tests.corpus.makers.names import one
from tests.corpus.makers.papers import ofd


def make(folder: Path) -> Path:
    return one(folder, "电子凭证.ofd", ofd(more={"Doc_0/Res/seal.png": b"\x89PNG\r\n\x1a\n"}))
