"""A name in NFD, as old Macs write it."""

from __future__ import annotations

from pathlib import Path

from tests.corpus.makers.names import named


def make(folder: Path) -> Path:
    return named(folder, "cafe\u0301.txt")
