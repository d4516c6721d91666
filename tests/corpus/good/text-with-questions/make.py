"""Real questions, in both scripts, are no lost characters."""

from __future__ import annotations

from pathlib import Path


def make(folder: Path) -> Path:
    (folder / "申请书.txt").write_bytes(
        "您家里有几口人?请如实填写。是否同意?同意。\n您收到通知了嗎?請回覆。為什麼停發?收入超過標準。\n".encode()
    )
    return folder / "申请书.txt"
