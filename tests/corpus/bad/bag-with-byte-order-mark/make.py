"""Bag with byte order mark."""

from __future__ import annotations

from pathlib import Path

from tests.corpus.makers.bags import bag, edited


def make(folder: Path) -> Path:
    return edited(bag(folder), "bagit.txt", lambda data: b"\xef\xbb\xbf" + data)
