"""Zip device."""

from __future__ import annotations

import zipfile
from pathlib import Path

from tests.corpus.makers.archives import zipped


def make(folder: Path) -> Path:
    device = zipfile.ZipInfo("dev")
    device.create_system, device.external_attr = 3, 0o020666 << 16
    return zipped(folder / "t.zip", [(device, b""), ("a.txt", b"a")])
