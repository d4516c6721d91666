"""A fetch.txt whose files are all there."""

from __future__ import annotations

from pathlib import Path

from tests.corpus.makers.bags import bag, retag


def make(folder: Path) -> Path:
    root = bag(folder)
    (root / "fetch.txt").write_text("http://example.org/a 3 data/a.txt\n", encoding="utf-8")
    retag(root)
    return root
