"""An encrypted archive inside a sound one."""

from __future__ import annotations

from pathlib import Path

from tests.corpus.makers.archives import raw_zip, zipped


def make(folder: Path) -> Path:
    encrypted = raw_zip(folder / "u.zip", [(b"a.txt", b"x" * 20)], flags=1)
    return zipped(folder / "t.zip", [("u.zip", encrypted.read_bytes())])
