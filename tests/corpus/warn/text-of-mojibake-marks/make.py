"""The marks that two conversions in a row leave behind."""

from __future__ import annotations

from pathlib import Path


def make(folder: Path) -> Path:
    (folder / "申请书.txt").write_bytes("通知：锟斤拷锟斤拷，请于三日内答复。\n".encode())
    return folder / "申请书.txt"
