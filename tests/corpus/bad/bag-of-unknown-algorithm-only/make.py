"""A bag whose manifest nobody can compute here."""

from __future__ import annotations

from pathlib import Path

from tests.corpus.makers.bags import bag, retag


def make(folder: Path) -> Path:
    root = bag(folder, ["sha256"])
    (root / "manifest-sha256.txt").rename(root / "manifest-foo1.txt")
    retag(root)
    return root
