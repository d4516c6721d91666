"""Big5 that was read as GBK and saved again."""

from __future__ import annotations

from pathlib import Path

TEXT = "最低生活保障申請書\n申請人家住某縣某鎮某村，家庭人口三人，因病致貧，收入低於本縣標準，特此申請。\n"


def make(folder: Path) -> Path:
    (folder / "申请书.txt").write_bytes(TEXT.encode("big5", "ignore").decode("gb18030", "replace").encode("utf-8"))
    return folder / "申请书.txt"
