"""A PDF of which no page is left."""

from __future__ import annotations

from pathlib import Path

from tests.corpus.makers.names import one
from tests.corpus.makers.papers import plain_pdf
from tests.corpus.makers.pictures import cut


def make(folder: Path) -> Path:
    return one(folder, "通知.pdf", cut(plain_pdf(5), 0.1))
