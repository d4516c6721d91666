"""Bag with broken manifest line."""

from __future__ import annotations

from pathlib import Path

from tests.corpus.makers.bags import bag, edited


def make(folder: Path) -> Path:
    return edited(bag(folder), "manifest-sha256.txt", lambda data: data + b"this is no line\n")
