"""A TAR whose packing has a wrong checksum."""

from __future__ import annotations

from pathlib import Path

from tests.corpus.makers.archives import write_tar


def make(folder: Path) -> Path:
    path = write_tar(folder / "材料.tar.gz", [("a.txt", b"x")], "w:gz")
    data = bytearray(path.read_bytes())
    data[-6] ^= 1
    path.write_bytes(data)
    return path
