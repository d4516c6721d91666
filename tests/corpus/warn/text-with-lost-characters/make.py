"""Question marks where an export lost rare characters."""

from __future__ import annotations

from pathlib import Path


def make(folder: Path) -> Path:
    (folder / "申请书.txt").write_bytes("户主：王?明，家庭成员：李??，专款??Ｓ。您知道吗?知道。\n".encode())
    return folder / "申请书.txt"
