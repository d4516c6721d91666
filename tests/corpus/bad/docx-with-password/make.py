"""A document that opens with a password only."""

from __future__ import annotations

from pathlib import Path

from tests.corpus.makers.names import one
from tests.corpus.makers.recordings import compound


def make(folder: Path) -> Path:
    return one(folder, "申请书.docx", compound({"EncryptedPackage": b"x", "EncryptionInfo": b"y"}))
