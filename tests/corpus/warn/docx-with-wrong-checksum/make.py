"""A part of a document that does not unpack to its checksum."""

from __future__ import annotations

from pathlib import Path

from tests.corpus.makers.documents import word
from tests.corpus.makers.names import one


def make(folder: Path) -> Path:
    data = bytearray(word())
    data[data.index(b"word/document.xml") + 200] ^= 0xFF
    return one(folder, "申请书.docx", bytes(data))
