"""Zip nfc clash."""

from __future__ import annotations

from pathlib import Path

from tests.corpus.makers.archives import zipped


def make(folder: Path) -> Path:
    return zipped(folder / "t.zip", [("caf\u00e9.txt", b"one"), ("cafe\u0301.txt", b"two")])
