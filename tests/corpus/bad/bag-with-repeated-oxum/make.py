"""Payload-Oxum twice."""

from __future__ import annotations

from pathlib import Path

from tests.corpus.makers.bags import bag, edited


def make(folder: Path) -> Path:
    root = edited(bag(folder), "bagit.txt", lambda data: data.replace(b"0.97", b"1.0"))
    return edited(root, "bag-info.txt", lambda data: data + b"Payload-Oxum: 6.2\n")
