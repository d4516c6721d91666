"""A PDF of a coarse scan."""

from __future__ import annotations

from pathlib import Path

from tests.corpus.makers.names import one
from tests.corpus.makers.papers import jpeg_page, page, scanned_pdf


def make(folder: Path) -> Path:
    return one(folder, "扫描.pdf", scanned_pdf([jpeg_page(page((827, 1169)))]))
