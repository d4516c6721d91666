"""A TAR with an absolute path."""

from __future__ import annotations

from pathlib import Path

from tests.corpus.makers.archives import tar_info, tarred


def make(folder: Path) -> Path:
    return tarred(folder / "材料.tar", (tar_info("/etc/cron.d/a"), b"x"))
