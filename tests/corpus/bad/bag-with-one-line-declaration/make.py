"""Bag with one line declaration."""

from __future__ import annotations

from pathlib import Path

from tests.corpus.makers.bags import bag, edited


def make(folder: Path) -> Path:
    return edited(bag(folder), "bagit.txt", lambda _: b"BagIt-Version: 1.0\n")
