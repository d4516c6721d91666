"""Text in which a conversion replaced two characters."""

from __future__ import annotations

from pathlib import Path


def make(folder: Path) -> Path:
    (folder / "申请书.txt").write_bytes("户主：王\ufffd明，住址：某镇\ufffd村。\n".encode("utf-8"))
    return folder / "申请书.txt"
