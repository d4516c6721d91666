"""A TAR with two files of one name."""

from __future__ import annotations

from pathlib import Path

from tests.corpus.makers.archives import tar_info, tarred


def make(folder: Path) -> Path:
    return tarred(folder / "材料.tar", (tar_info("a.txt"), b"x"), (tar_info("a.txt"), b"y"))
