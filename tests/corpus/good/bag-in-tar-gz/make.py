"""Bag in tar gz."""

from __future__ import annotations

import shutil
from pathlib import Path

from tests.corpus.makers.bags import bag


def make(folder: Path) -> Path:
    return Path(shutil.make_archive(str(folder / "bag"), "gztar", bag(folder).parent, "bag"))
