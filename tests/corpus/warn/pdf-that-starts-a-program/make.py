"""An action that starts a program."""

from __future__ import annotations

from pathlib import Path

from tests.corpus.makers.names import one
from tests.corpus.makers.papers import plain_pdf


def make(folder: Path) -> Path:
    return one(folder, "通知.pdf", plain_pdf(catalogue=b"/OpenAction<</S/Launch/F(cmd.exe)>>"))
