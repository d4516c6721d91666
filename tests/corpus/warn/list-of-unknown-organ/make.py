"""An organ that is not known here."""

from __future__ import annotations

from pathlib import Path

from tests.corpus.makers.lists import listed


def make(folder: Path) -> Path:
    return listed(folder, organ="NOBODY")
