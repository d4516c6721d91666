"""The empty back of a page is told."""

from __future__ import annotations

from pathlib import Path

from PIL import Image

from tests.corpus.makers.names import one
from tests.corpus.makers.papers import jpeg_page, page, scanned_pdf
from tests.corpus.makers.pictures import A4


def make(folder: Path) -> Path:
    pages = [jpeg_page(page(A4)), jpeg_page(Image.new("L", A4, 252))]
    return one(folder, "扫描.pdf", scanned_pdf(pages))
