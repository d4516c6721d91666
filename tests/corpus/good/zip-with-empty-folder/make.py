"""The name of an empty folder is recorded."""

from __future__ import annotations

from pathlib import Path

from tests.corpus.makers.archives import zipped


def make(folder: Path) -> Path:
    return zipped(folder / "t.zip", [("空/", b""), ("说明.txt", "说明".encode())])
