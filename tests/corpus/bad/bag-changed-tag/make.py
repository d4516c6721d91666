"""Bag changed tag."""

from __future__ import annotations

from pathlib import Path

from tests.corpus.makers.bags import bag


def make(folder: Path) -> Path:
    root = bag(folder)
    with (root / "bag-info.txt").open("a") as out:
        out.write("Contact-Name: somebody\n")
    return root
