"""Zip with gbk names."""

from __future__ import annotations

from pathlib import Path

from tests.corpus.makers.archives import raw_zip


def make(folder: Path) -> Path:
    return raw_zip(folder / "t.zip", [("申请书.txt".encode("gb18030"), "申请".encode())])
