"""A scan whose second page is half a picture."""

from __future__ import annotations

from pathlib import Path

from tests.corpus.makers.names import one
from tests.corpus.makers.papers import jpeg_page, page, scanned_pdf
from tests.corpus.makers.pictures import A4, cut


def make(folder: Path) -> Path:
    data, size, entries = jpeg_page(page(A4))
    return one(folder, "扫描.pdf", scanned_pdf([(data, size, entries), (cut(data, 0.5), size, entries)]))
