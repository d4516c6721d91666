"""A document of Word 97."""

from __future__ import annotations

from pathlib import Path

from tests.corpus.makers.names import one
from tests.corpus.makers.word97 import word97


def make(folder: Path) -> Path:
    return one(folder, "申请书.doc", word97("最低生活保障申请书\n申请人：刘三。"))
