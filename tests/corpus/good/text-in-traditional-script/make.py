"""An ordinary text of Taiwan in Big5."""

from __future__ import annotations

from pathlib import Path


def make(folder: Path) -> Path:
    (folder / "申请书.txt").write_bytes(
        "低收入戶申請書，申請人住本縣，家庭人口三人，因病致貧，特此申請。\n".encode("big5")
    )
    return folder / "申请书.txt"
