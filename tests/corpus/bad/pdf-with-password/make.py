"""A PDF that opens with a password only."""

from __future__ import annotations

from pathlib import Path

from tests.corpus.makers.names import one
from tests.corpus.makers.papers import locked_pdf


def make(folder: Path) -> Path:
    return one(folder, "通知.pdf", locked_pdf(b"secret"))
