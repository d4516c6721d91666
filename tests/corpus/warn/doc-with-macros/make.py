"""An old document with macros."""

from __future__ import annotations

from pathlib import Path

from tests.corpus.makers.names import one
from tests.corpus.makers.recordings import compound


def make(folder: Path) -> Path:
    return one(folder, "申请书.doc", compound({"WordDocument": b"\xec\xa5\xc1\0", "_VBA_PROJECT": b"z"}))
