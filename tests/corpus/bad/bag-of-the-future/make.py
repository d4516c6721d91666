"""Bag of the future."""

from __future__ import annotations

from pathlib import Path

from tests.corpus.makers.bags import bag, edited


def make(folder: Path) -> Path:
    return edited(bag(folder), "bagit.txt", lambda data: data.replace(b"0.97", b"9.0").replace(b"1.0", b"9.0"))
