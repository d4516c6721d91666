"""Zip cut short."""

from __future__ import annotations

from pathlib import Path

from tests.corpus.makers.archives import zipped


def make(folder: Path) -> Path:
    path = zipped(folder / "t.zip", [("a.txt", b"x" * 5000)])
    path.write_bytes(path.read_bytes()[:2000])
    return path
