"""Tag files in an encoding that does not exist."""

from __future__ import annotations

from pathlib import Path

from tests.corpus.makers.bags import bag, edited


def make(folder: Path) -> Path:
    return edited(bag(folder), "bagit.txt", lambda data: data.replace(b"UTF-8", b"KLINGON"))
