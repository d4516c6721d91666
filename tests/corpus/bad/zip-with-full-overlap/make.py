"""Two entries of the directory share one kernel."""

from __future__ import annotations

import struct
from pathlib import Path

from tests.corpus.makers.archives import zip_entry
from tests.corpus.makers.names import one


def make(folder: Path) -> Path:
    local, front, rest = zip_entry(b"a.txt", b"abc")
    directory = 2 * (front + struct.pack("<I", 0) + rest)
    end = struct.pack("<4sHHHHIIH", b"PK\x05\x06", 0, 0, 2, 2, len(directory), len(local), 0)
    return one(folder, "t.zip", local + directory + end)
