"""Zip symlink."""

from __future__ import annotations

import zipfile
from pathlib import Path

from tests.corpus.makers.archives import zipped


def make(folder: Path) -> Path:
    link = zipfile.ZipInfo("link")
    link.create_system, link.external_attr = 3, 0o120777 << 16
    return zipped(folder / "t.zip", [(link, b"/etc/passwd"), ("a.txt", b"a")])
