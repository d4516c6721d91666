"""A packed file that is no archive is a file."""

from __future__ import annotations

import gzip
from pathlib import Path

from tests.corpus.makers.names import one


def make(folder: Path) -> Path:
    return one(folder, "说明.txt.gz", gzip.compress("说明".encode()))
