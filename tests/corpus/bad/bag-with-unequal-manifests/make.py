"""Bag with unequal manifests."""

from __future__ import annotations

from pathlib import Path

from tests.corpus.makers.bags import bag, edited


def make(folder: Path) -> Path:
    def first_only(data: bytes) -> bytes:
        return b"".join(line for line in data.splitlines(keepends=True) if b"a.txt" not in line)

    root = bag(folder)
    declaration = (root / "bagit.txt").read_bytes().replace(b"0.97", b"1.0")
    (root / "bagit.txt").write_bytes(declaration)
    return edited(root, "manifest-sha512.txt", first_only)
