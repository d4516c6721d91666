"""An open action that goes to a page is no script."""

from __future__ import annotations

from pathlib import Path

from tests.corpus.makers.names import one
from tests.corpus.makers.papers import plain_pdf


def make(folder: Path) -> Path:
    return one(folder, "通知.pdf", plain_pdf(catalogue=b"/OpenAction[4 0 R/Fit]"))
