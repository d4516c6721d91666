"""A Chinese name longer than any file system takes."""

from __future__ import annotations

from pathlib import Path

from tests.corpus.makers.archives import zipped


def make(folder: Path) -> Path:
    return zipped(folder / "t.zip", [("证" * 200 + ".txt", "内容".encode())])
