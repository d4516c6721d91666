"""What follows a ZIP is told."""

from __future__ import annotations

from pathlib import Path

from tests.corpus.makers.archives import write_zip, zip_entry


def make(folder: Path) -> Path:
    return write_zip(folder / "t.zip", zip_entry(b"a.txt", b"abc"), after=b"rubbish")
