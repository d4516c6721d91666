"""Names in Shift-JIS without the UTF-8 flag."""

from __future__ import annotations

from pathlib import Path

from tests.corpus.makers.archives import raw_zip


def make(folder: Path) -> Path:
    return raw_zip(
        folder / "t.zip", [("申請書のコピー.txt".encode("cp932"), b"1"), ("レポート.txt".encode("cp932"), b"2")]
    )
