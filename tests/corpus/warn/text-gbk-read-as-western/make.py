"""GBK that was read as Latin-1 and saved again."""

from __future__ import annotations

from pathlib import Path

TEXT = "最低生活保障申请书\n申请人家住某县某镇某村，家庭人口三人，因病致贫，收入低于本县标准，特此申请。\n"


def make(folder: Path) -> Path:
    (folder / "申请书.txt").write_bytes(TEXT.encode("gb18030").decode("latin-1").encode("utf-8"))
    return folder / "申请书.txt"
