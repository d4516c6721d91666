"""A deposit of a type that the profile does not know."""

from __future__ import annotations

from pathlib import Path

from tests.corpus.makers.names import one


def make(folder: Path) -> Path:
    return one(folder, "a.txt", "内容")
