"""A bag whose manifests are sha512 alone."""

from __future__ import annotations

from pathlib import Path

from tests.corpus.makers.bags import bag


def make(folder: Path) -> Path:
    return bag(folder, ["sha512"])
