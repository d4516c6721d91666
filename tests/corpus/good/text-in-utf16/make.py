"""Text as Windows' Notepad calls it Unicode."""

from __future__ import annotations

from pathlib import Path

from tests.corpus.makers.names import one


def make(folder: Path) -> Path:
    return one(folder, "说明.txt", ("申请人家庭情况说明，请予以审核。\n" * 5).encode("utf-16"))
