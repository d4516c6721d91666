"""A TAR without the empty block that ends one."""

from __future__ import annotations

from pathlib import Path

from tests.corpus.makers.archives import write_tar


def make(folder: Path) -> Path:
    path = write_tar(folder / "材料.tar", [("a", b"a" * 512), ("b", b"b" * 512)])
    path.write_bytes(path.read_bytes()[:1024])
    return path
