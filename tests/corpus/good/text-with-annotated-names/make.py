"""Pinyin after a rare name is meant for the reader."""

from __future__ import annotations

from pathlib import Path


def make(folder: Path) -> Path:
    (folder / "申请书.txt").write_bytes("亓(qí)官某，单(shàn)县人，其妻张喆(zhé)。單(shàn)縣民政局。\n".encode())
    return folder / "申请书.txt"
