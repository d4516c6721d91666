"""OpenDocument that opens with a password only."""

from __future__ import annotations

from pathlib import Path

from tests.corpus.makers.documents import opendocument
from tests.corpus.makers.names import one


def make(folder: Path) -> Path:
    entry = '<manifest:file-entry manifest:full-path="content.xml"><manifest:encryption-data/></manifest:file-entry>'
    return one(folder, "申请书.odt", opendocument(manifest=entry))
