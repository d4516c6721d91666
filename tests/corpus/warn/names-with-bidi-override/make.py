"""A name that reads backwards."""

from __future__ import annotations

from pathlib import Path

from tests.corpus.makers.names import named


def make(folder: Path) -> Path:
    return named(folder, "报告\u202etxt.exe.txt")
