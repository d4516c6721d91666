"""A bag of BagIt 0.95."""

from __future__ import annotations

from pathlib import Path

from tests.corpus.makers.bags import bag, edited


def make(folder: Path) -> Path:
    return edited(bag(folder), "bagit.txt", lambda data: data.replace(b"0.97", b"0.95"))
