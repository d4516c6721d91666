"""An entry that the directory does not name."""

from __future__ import annotations

from pathlib import Path

from tests.corpus.makers.archives import write_zip, zip_entry


def make(folder: Path) -> Path:
    return write_zip(folder / "t.zip", zip_entry(b"a.txt", b"abc"), before=zip_entry(b"hidden.exe", b"evil")[0])
