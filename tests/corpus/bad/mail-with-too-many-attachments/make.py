"""More attachments than are allowed."""

from __future__ import annotations

from pathlib import Path

from tests.corpus.makers.mail import mail
from tests.corpus.makers.names import one


def make(folder: Path) -> Path:
    return one(folder, "材料.eml", mail(*((f"{n}.txt", b"x") for n in range(12))))
