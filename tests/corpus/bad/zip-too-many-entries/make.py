"""Zip too many entries."""

from __future__ import annotations

from pathlib import Path

from tests.corpus.makers.archives import zipped


def make(folder: Path) -> Path:
    return zipped(folder / "t.zip", [(f"{number}.txt", b"x") for number in range(60)])
