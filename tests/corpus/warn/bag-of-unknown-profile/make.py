"""A bag that names a profile that is not known here."""

from __future__ import annotations

from pathlib import Path

import bagit


def make(folder: Path) -> Path:
    (folder / "bag").mkdir()
    (folder / "bag" / "a.txt").write_text("a", encoding="utf-8")
    bagit.make_bag(str(folder / "bag"), {"BagIt-Profile-Identifier": "http://example.org/p.json"}, checksums=["sha256"])
    return folder / "bag"
