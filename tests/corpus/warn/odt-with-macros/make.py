"""OpenDocument with Basic."""

from __future__ import annotations

from pathlib import Path

from tests.corpus.makers.documents import opendocument, repacked
from tests.corpus.makers.names import one


def make(folder: Path) -> Path:
    return one(
        folder,
        "申请书.odt",
        repacked(opendocument(), lambda parts: parts.update({"Basic/Standard/Module1.xml": b"<a/>"})),
    )
