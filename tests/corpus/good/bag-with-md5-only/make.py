"""Bag with md5 only."""

from __future__ import annotations

from pathlib import Path

from tests.corpus.makers.bags import bag


def make(folder: Path) -> Path:
    return bag(folder, ["md5"])
