"""A presentation in OpenDocument."""

from __future__ import annotations

from pathlib import Path

from tests.corpus.makers.documents import opendocument
from tests.corpus.makers.names import one


def make(folder: Path) -> Path:
    return one(folder, "公示.odp", opendocument("presentation"))
