"""Bag in zip."""

from __future__ import annotations

import shutil
from pathlib import Path

from tests.corpus.makers.bags import bag


def make(folder: Path) -> Path:
    return Path(shutil.make_archive(str(folder / "bag"), "zip", bag(folder).parent, "bag"))
