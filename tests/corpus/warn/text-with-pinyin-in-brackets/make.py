"""A page converted between the scripts and back, pinyin left in brackets."""

from __future__ import annotations

from pathlib import Path


def make(folder: Path) -> Path:
    (folder / "申请书.txt").write_bytes("關鍵詞：低保戶動態(tài)化，協(xié)調民政部門，優(yōu)化流程。\n".encode())
    return folder / "申请书.txt"
