"""A bag as the payload of another is payload."""

from __future__ import annotations

from pathlib import Path

import bagit

from tests.corpus.makers.bags import bag


def make(folder: Path) -> Path:
    inner = bag(folder)
    (folder / "outer").mkdir()
    inner.rename(folder / "outer" / "inner")
    bagit.make_bag(str(folder / "outer"), checksums=["sha256"])
    return folder / "outer"
