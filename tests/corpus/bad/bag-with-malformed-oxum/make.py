"""A Payload-Oxum that is no number."""

from __future__ import annotations

from pathlib import Path

from tests.corpus.makers.bags import bag, edited


def make(folder: Path) -> Path:
    return edited(bag(folder), "bag-info.txt", lambda data: data.replace(b"Payload-Oxum: 6.2", b"Payload-Oxum: six"))
