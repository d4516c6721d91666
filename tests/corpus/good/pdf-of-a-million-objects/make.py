"""A million objects that no page uses cost a moment."""

from __future__ import annotations

from pathlib import Path

from tests.corpus.makers.names import one
from tests.corpus.makers.papers import plain_pdf


def make(folder: Path) -> Path:
    return one(folder, "通知.pdf", plain_pdf(extra=[b"0"] * 1_000_000))
