"""Lists inside lists."""

from __future__ import annotations

from pathlib import Path

from tests.corpus.makers.names import one


def make(folder: Path) -> Path:
    return one(folder, "数据.json", '{"a": ' + "[" * 100_000 + "]" * 100_000 + "}")
