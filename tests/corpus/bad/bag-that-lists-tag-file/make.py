"""A payload manifest that lists a tag file."""

from __future__ import annotations

from pathlib import Path

from tests.corpus.makers.bags import bag, edited


def make(folder: Path) -> Path:
    return edited(bag(folder, ["sha256"]), "manifest-sha256.txt", lambda data: data + b"0" * 64 + b"  bagit.txt\n")
