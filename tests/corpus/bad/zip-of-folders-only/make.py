"""Folders without a file."""

from __future__ import annotations

from pathlib import Path

from tests.corpus.makers.archives import zipped


def make(folder: Path) -> Path:
    return zipped(folder / "t.zip", [("a/", b""), ("b/", b"")])
