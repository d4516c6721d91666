"""Bag with fetch."""

from __future__ import annotations

import hashlib
from pathlib import Path

from tests.corpus.makers.bags import bag, retag


def make(folder: Path) -> Path:
    root = bag(folder)
    (root / "fetch.txt").write_text("https://example.org/c.txt 3 data/c.txt\n")
    for manifest in root.glob("manifest-*.txt"):
        digest = hashlib.new(manifest.stem.partition("-")[2], b"abc").hexdigest()
        manifest.write_text(manifest.read_text() + f"{digest}  data/c.txt\n")
    retag(root)
    return root
