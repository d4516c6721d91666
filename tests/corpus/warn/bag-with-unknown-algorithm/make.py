"""A manifest of an algorithm that nobody computes here."""

from __future__ import annotations

from pathlib import Path

from tests.corpus.makers.bags import bag, retag


def make(folder: Path) -> Path:
    root = bag(folder, ["sha256"])
    (root / "manifest-foo1.txt").write_text("00  data/a.txt\n00  data/子/b.txt\n", encoding="utf-8")
    retag(root)
    return root
