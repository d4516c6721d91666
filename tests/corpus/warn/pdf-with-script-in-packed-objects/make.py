"""A script where a plain search does not see it."""

from __future__ import annotations

import zlib
from pathlib import Path

from tests.corpus.makers.names import one
from tests.corpus.makers.papers import plain_pdf, stream


def make(folder: Path) -> Path:
    packed = zlib.compress(b"9 0 <</S/JavaScript/JS(x)>>")
    return one(folder, "通知.pdf", plain_pdf(extra=[stream(packed, b"/Type/ObjStm/N 1/First 4/Filter/FlateDecode")]))
