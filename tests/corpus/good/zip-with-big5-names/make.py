"""Names in Big5 without the UTF-8 flag."""

from __future__ import annotations

from pathlib import Path

from tests.corpus.makers.archives import raw_zip


def make(folder: Path) -> Path:
    return raw_zip(folder / "t.zip", [("申請書.txt".encode("big5"), b"1"), ("戶口名簿影本.txt".encode("big5"), b"2")])
