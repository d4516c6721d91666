"""UTF-8 that was read as GBK and saved again; whole characters only."""

from __future__ import annotations

from pathlib import Path

TEXT = "最低生活保障申请书\n申请人家住某县某镇某村，家庭人口三人，因病致贫，收入低于本县标准，特此申请。\n"


def make(folder: Path) -> Path:
    (folder / "申请书.txt").write_bytes(TEXT.encode().decode("gb18030", "ignore").encode("utf-8"))
    return folder / "申请书.txt"
