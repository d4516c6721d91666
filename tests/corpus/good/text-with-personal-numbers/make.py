"""Numbers of persons are told as a notice; a wrong check digit is none."""

from __future__ import annotations

from pathlib import Path


def make(folder: Path) -> Path:
    (folder / "申请书.txt").write_bytes(
        "身份证 11010519491231002X，电话 13800138000，编号 110105194912310021。\n".encode()
    )
    return folder / "申请书.txt"
