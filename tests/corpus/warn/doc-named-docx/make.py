"""An old document under the new format's name."""

from __future__ import annotations

from pathlib import Path

from tests.corpus.makers.names import one
from tests.corpus.makers.word97 import word97


def make(folder: Path) -> Path:
    return one(folder, "申请书.docx", word97("申请书"))
