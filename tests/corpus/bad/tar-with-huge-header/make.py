"""An extended header of eight gigabytes."""

from __future__ import annotations

import gzip
import tarfile
from pathlib import Path

from tests.corpus.makers.archives import tar_info
from tests.corpus.makers.names import one


def make(folder: Path) -> Path:
    head = tar_info("x", tarfile.XHDTYPE)
    head.size = 8 << 30
    return one(folder, "材料.tar.gz", gzip.compress(head.tobuf(tarfile.GNU_FORMAT) + bytes(1 << 20)))
