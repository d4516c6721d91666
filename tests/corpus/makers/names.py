"""Deposits of files under given names."""

from __future__ import annotations

import os
from pathlib import Path


def named(folder: Path, *names: str | bytes) -> Path:
    """A folder of files under these names, each with its own name as its text."""
    root = folder / "in"
    root.mkdir()
    for name in names:
        raw = name if isinstance(name, bytes) else name.encode()
        path = Path(os.fsdecode(os.fsencode(root) + b"/" + raw))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"第 {names.index(name) + 1} 个文件的内容\n", encoding="utf-8")
    return root


def written(folder: Path, **files: bytes | str) -> Path:
    """A folder of files; the last ``_`` of each keyword is the dot of its name."""
    root = folder / "in"
    root.mkdir()
    for keyword, data in files.items():
        path = root / ".".join(keyword.rsplit("_", 1))
        path.write_bytes(data if isinstance(data, bytes) else data.encode())
    return root


def one(folder: Path, name: str, data: bytes | str) -> Path:
    """One file."""
    path = folder / name
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    return path
