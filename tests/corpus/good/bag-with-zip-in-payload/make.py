"""Bag with zip in payload."""

from __future__ import annotations

from pathlib import Path

import bagit

from tests.corpus.makers.archives import raw_zip


def make(folder: Path) -> Path:
    root = folder / "bag"
    root.mkdir()
    raw_zip(root / "附件.zip", [(b"../../evil", b"stays shut")])
    bagit.make_bag(str(root), checksums=["sha256"])
    return root
