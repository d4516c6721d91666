"""A PDF without an object."""

from __future__ import annotations

from pathlib import Path

from tests.corpus.makers.names import one


def make(folder: Path) -> Path:
    return one(folder, "通知.pdf", b"%PDF-1.4\nnothing here\n%%EOF\n")
