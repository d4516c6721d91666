"""A signature is listed, not verified."""

from __future__ import annotations

from pathlib import Path

from tests.corpus.makers.names import one
from tests.corpus.makers.papers import signed_pdf


def make(folder: Path) -> Path:
    return one(folder, "批复.pdf", signed_pdf())
