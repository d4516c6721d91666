"""Eight megabytes of zeros in some kilobytes."""

from __future__ import annotations

from pathlib import Path

from tests.corpus.makers.archives import write_tar


def make(folder: Path) -> Path:
    return write_tar(folder / "材料.tar.gz", [("zeros.bin", bytes(8 << 20))], "w:gz")
