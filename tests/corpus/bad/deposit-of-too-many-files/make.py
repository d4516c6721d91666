"""More files than one deposit may have."""

from __future__ import annotations

from pathlib import Path

from tests.corpus.makers.names import named


def make(folder: Path) -> Path:
    return named(folder, *(f"{n}.txt" for n in range(12)))
