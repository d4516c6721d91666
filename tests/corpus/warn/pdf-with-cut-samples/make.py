"""A scan with half its samples."""

from __future__ import annotations

from pathlib import Path

from tests.corpus.makers.names import one
from tests.corpus.makers.papers import page, sampled_page, scanned_pdf
from tests.corpus.makers.pictures import A4


def make(folder: Path) -> Path:
    return one(folder, "扫描.pdf", scanned_pdf([sampled_page(page(A4), keep=0.5)]))
