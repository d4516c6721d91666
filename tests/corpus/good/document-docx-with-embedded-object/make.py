"""A file inside a document is told."""

from __future__ import annotations

from pathlib import Path

from tests.corpus.makers.documents import repacked, word
from tests.corpus.makers.names import one


def make(folder: Path) -> Path:
    return one(
        folder,
        "申请书.docx",
        repacked(word(), lambda parts: parts.update({"word/embeddings/oleObject1.bin": bytes(10)})),
    )
