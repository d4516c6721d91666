"""One process at a time makes a site or replaces its database; a lock of the system ends with the process that has it."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from metadata.errors import Unavailable

FILE = ".lock"


@contextmanager
def alone(home: Path) -> Iterator[None]:
    """Hold the site's lock for the block; ``Unavailable`` (``site.busy``) while another process has it."""
    home.mkdir(parents=True, exist_ok=True, mode=0o750)  # papers and names lie in it
    handle = os.open(home / FILE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise Unavailable(
                "site.busy",
                zh=f"另一个进程正在建立或重建 {home}，本命令没有做任何更改。请等它结束后重试。",
                en=f"Another process is making or rebuilding {home}; nothing was changed here. Try again when it has ended.",
                home=str(home),
            ) from error
        yield
    finally:
        os.close(handle)
