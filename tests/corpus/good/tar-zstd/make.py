"""Two files in a TAR (Zstandard)."""

from __future__ import annotations

from pathlib import Path

import zstandard

from tests.corpus.makers.archives import write_tar
from tests.corpus.makers.names import one


def make(folder: Path) -> Path:
    plain = write_tar(folder / "材料.tar", [("申请书.txt", "申请".encode()), ("b/说明.txt", "说明".encode())])
    packed = one(folder, "材料.tar.zst", zstandard.compress(plain.read_bytes()))
    plain.unlink()
    return packed
