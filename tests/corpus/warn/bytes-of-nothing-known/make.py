"""Bytes that no signature fits."""

from __future__ import annotations

from pathlib import Path
from random import Random

from tests.corpus.makers.names import one


def make(folder: Path) -> Path:
    return one(folder, "数据", Random(3).randbytes(3_000))
