"""Paths as Windows writes them that lead out."""

from __future__ import annotations

from pathlib import Path

from tests.corpus.makers.archives import raw_zip


def make(folder: Path) -> Path:
    return raw_zip(folder / "t.zip", [(b"..\\..\\a.txt", b"x")])
