"""A line of bag-info.txt that is no label and value."""

from __future__ import annotations

from pathlib import Path

from tests.corpus.makers.bags import bag, edited


def make(folder: Path) -> Path:
    return edited(bag(folder), "bag-info.txt", lambda data: data + b"no label here\n")
