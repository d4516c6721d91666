"""Bag with wrong oxum."""

from __future__ import annotations

from pathlib import Path

from tests.corpus.makers.bags import bag, edited


def make(folder: Path) -> Path:
    root = bag(folder)
    return edited(root, "bag-info.txt", lambda data: data.replace(b"Payload-Oxum: 6.2", b"Payload-Oxum: 7.2"))
