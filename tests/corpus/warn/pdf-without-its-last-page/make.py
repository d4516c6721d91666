"""A PDF that names a page that is not there."""

from __future__ import annotations

from pathlib import Path

from tests.corpus.makers.names import one
from tests.corpus.makers.papers import plain_pdf


def make(folder: Path) -> Path:
    return one(folder, "通知.pdf", plain_pdf(3).replace(b"6 0 R 8 0 R", b"6 0 R 99 0 R"))
