"""A PDF with embedded Chinese fonts."""

from __future__ import annotations

from pathlib import Path

from tests.corpus.makers.documents import pdf
from tests.corpus.makers.names import one


def make(folder: Path) -> Path:
    return one(folder, "申请书.pdf", pdf())
