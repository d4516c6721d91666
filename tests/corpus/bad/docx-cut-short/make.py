"""A DOCX that breaks off."""

from __future__ import annotations

from pathlib import Path

from tests.corpus.makers.documents import word
from tests.corpus.makers.names import one
from tests.corpus.makers.pictures import cut


def make(folder: Path) -> Path:
    return one(folder, "申请书.docx", cut(word(), 0.6))
