"""A tree of pages that is its own branch."""

from __future__ import annotations

from pathlib import Path

from tests.corpus.makers.names import one
from tests.corpus.makers.papers import pdf


def make(folder: Path) -> Path:
    return one(
        folder, "通知.pdf", pdf([b"<</Type/Catalog/Pages 2 0 R>>", b"<</Type/Pages/Kids[2 0 R]/Count 1000000>>"])
    )
