"""A document with an archive behind it."""

from __future__ import annotations

from pathlib import Path

from tests.corpus.makers.archives import inside
from tests.corpus.makers.names import one
from tests.corpus.makers.papers import plain_pdf


def make(folder: Path) -> Path:
    return one(folder, "通知.pdf", plain_pdf() + inside(("a.txt", b"x")))
