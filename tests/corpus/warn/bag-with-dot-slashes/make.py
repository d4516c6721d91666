"""A manifest whose paths begin with a dot."""

from __future__ import annotations

from pathlib import Path

from tests.corpus.makers.bags import bag, edited


def make(folder: Path) -> Path:
    return edited(bag(folder, ["sha256"]), "manifest-sha256.txt", lambda data: data.replace(b"  data", b"  ./data"))
