"""List inside zip."""

from __future__ import annotations

import shutil
from pathlib import Path

from tests.corpus.makers.lists import listed


def make(folder: Path) -> Path:
    return Path(shutil.make_archive(str(folder / "in"), "zip", listed(folder)))
