"""Bag with traversal."""

from __future__ import annotations

import hashlib
from pathlib import Path

from tests.corpus.makers.bags import bag, edited


def make(folder: Path) -> Path:
    line = hashlib.sha256(b"x").hexdigest().encode() + b"  data/../../etc/passwd\n"
    return edited(bag(folder), "manifest-sha256.txt", lambda data: data + line)
