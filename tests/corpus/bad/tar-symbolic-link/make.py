"""A TAR with a link to a file of the machine."""

from __future__ import annotations

import tarfile
from pathlib import Path

from tests.corpus.makers.archives import tar_info, tarred


def make(folder: Path) -> Path:
    return tarred(folder / "材料.tar", (tar_info("a.txt", tarfile.SYMTYPE, "/etc/passwd"), b""))
