"""A name on disk that reads well as GB 18030."""

from __future__ import annotations

from pathlib import Path

from tests.corpus.makers.names import named


def make(folder: Path) -> Path:
    return named(folder, "申请书.txt".encode("gbk"))
