"""A deposit for a household whose number is wrong."""

from __future__ import annotations

from pathlib import Path

from tests.corpus.makers.names import one


def make(folder: Path) -> Path:
    return one(folder, "a.txt", "内容")
