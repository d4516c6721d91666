"""A photograph that names its camera is not judged as a scan."""

from __future__ import annotations

from pathlib import Path

from tests.corpus.makers.names import one
from tests.corpus.makers.pictures import photograph


def make(folder: Path) -> Path:
    return one(folder, "IMG_20260105.jpg", photograph(dpi=(72, 72)))
