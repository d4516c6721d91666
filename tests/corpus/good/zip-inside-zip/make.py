"""Zip inside zip."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

from tests.corpus.makers.archives import zipped


def make(folder: Path) -> Path:
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w") as out:
        out.writestr("内.txt", "内")
        out.writestr("空/", b"")
    return zipped(folder / "t.zip", [("外.txt", "外".encode()), ("附件.zip", inner.getvalue())])
