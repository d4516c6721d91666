"""A PDF whose table is not where it says."""

from __future__ import annotations

from pathlib import Path

from tests.corpus.makers.names import one
from tests.corpus.makers.papers import plain_pdf


def make(folder: Path) -> Path:
    return one(folder, "通知.pdf", plain_pdf().replace(b"startxref\n", b"startxref\n1"))
