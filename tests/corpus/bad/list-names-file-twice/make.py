"""List names file twice."""

from __future__ import annotations

from pathlib import Path

from tests.corpus.makers.lists import listed


def make(folder: Path) -> Path:
    twice = [{"title": "一", "files": ["a.txt", "b.txt"]}, {"title": "二", "files": ["a.txt"]}]
    return listed(folder, records=twice)
