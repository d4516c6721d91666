"""Bag without payload."""

from __future__ import annotations

from pathlib import Path

import bagit


def make(folder: Path) -> Path:
    root = folder / "bag"
    root.mkdir()
    bagit.make_bag(str(root), checksums=["sha256"])
    return root
