"""What Windows and macOS leave in folders."""

from __future__ import annotations

from pathlib import Path

import bagit


def make(folder: Path) -> Path:
    (folder / "bag").mkdir()
    for name in ("a.txt", ".DS_Store", "Thumbs.db"):
        (folder / "bag" / name).write_text(name, encoding="utf-8")
    bagit.make_bag(str(folder / "bag"), checksums=["sha256"])
    return folder / "bag"
