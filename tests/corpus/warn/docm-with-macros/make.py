"""A document with macros."""

from __future__ import annotations

from pathlib import Path

from tests.corpus.makers.documents import repacked, word
from tests.corpus.makers.names import one


def make(folder: Path) -> Path:
    def change(parts: dict[str, bytes]) -> None:
        kind = parts["[Content_Types].xml"].replace(
            b"vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml",
            b"vnd.ms-word.document.macroEnabled.main+xml",
        )
        parts.update({"[Content_Types].xml": kind, "word/vbaProject.bin": b"\xd0\xcf\x11\xe0" + bytes(100)})

    return one(folder, "申请书.docm", repacked(word(), change))
