"""Text in Big5."""

from __future__ import annotations

from pathlib import Path

from tests.corpus.makers.names import one


def make(folder: Path) -> Path:
    return one(folder, "說明.txt", ("申請人家庭情況說明，請予以審核。\n" * 5).encode("big5"))
