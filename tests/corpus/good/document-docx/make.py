"""A document of Word."""

from __future__ import annotations

from pathlib import Path

from tests.corpus.makers.documents import word
from tests.corpus.makers.names import one


def make(folder: Path) -> Path:
    return one(folder, "申请书.docx", word())
