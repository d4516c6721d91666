"""Zip too deep."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path


def make(folder: Path) -> Path:
    data = b"core"
    for number in range(4):
        inner = io.BytesIO()
        with zipfile.ZipFile(inner, "w") as out:
            out.writestr("core.txt" if number == 0 else f"level{number}.zip", data)
        data = inner.getvalue()
    (folder / "t.zip").write_bytes(data)
    return folder / "t.zip"
