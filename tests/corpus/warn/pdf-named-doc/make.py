"""A PDF under Word's name."""

from __future__ import annotations

from pathlib import Path

from tests.corpus.makers.names import one
from tests.corpus.makers.papers import plain_pdf


def make(folder: Path) -> Path:
    return one(folder, "申请书.doc", plain_pdf())
