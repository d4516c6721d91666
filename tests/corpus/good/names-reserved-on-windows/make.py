"""Names that Windows refuses get safe forms in the bag."""

from __future__ import annotations

from pathlib import Path

from tests.corpus.makers.names import named


def make(folder: Path) -> Path:
    return named(folder, "CON.txt", "aux", "lpt1.pdf.txt")
