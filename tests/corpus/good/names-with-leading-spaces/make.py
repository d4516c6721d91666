"""Names that begin or end with a space."""

from __future__ import annotations

from pathlib import Path

from tests.corpus.makers.names import named


def make(folder: Path) -> Path:
    return named(folder, " 说明.txt", "附件.txt ")
