"""A path of folders without end."""

from __future__ import annotations

from pathlib import Path

from tests.corpus.makers.archives import write_tar


def make(folder: Path) -> Path:
    return write_tar(folder / "t.tar", [("文件夹/" * 500 + "a.txt", "内容".encode())])
