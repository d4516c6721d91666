"""Two files in a TAR (bzip2)."""

from __future__ import annotations

from pathlib import Path

from tests.corpus.makers.archives import write_tar


def make(folder: Path) -> Path:
    return write_tar(
        folder / "材料.tar.bz2", [("申请书.txt", "申请".encode()), ("b/说明.txt", "说明".encode())], "w:bz2"
    )
