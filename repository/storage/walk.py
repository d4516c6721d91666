"""Walking a store's folder in the order of the keys' bytes, never through a link."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress

from repository.storage.base import Stat

TEMPORARY = ".tmp"
FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


def files(folder: int, above: bytes, wanted: bytes, after: bytes) -> Iterator[Stat]:
    """Every file below ``folder`` (whose own key is ``above``) that begins with ``wanted`` and comes after ``after``."""
    with os.scandir(folder) as entries:
        names = sorted(
            os.fsencode(entry.name) + (b"/" if entry.is_dir(follow_symlinks=False) else b"") for entry in entries
        )
    for name in names:
        whole = above + name
        if name.endswith(b"/"):
            if not above and name == os.fsencode(TEMPORARY) + b"/":
                continue
            below = whole.startswith(wanted) or wanted.startswith(whole)
            if not below or (whole <= after and not after.startswith(whole)):
                continue
            try:
                entered = os.open(name[:-1], FOLDER, dir_fd=folder)
            except FileNotFoundError:
                continue
            try:
                yield from files(entered, whole, wanted, after)
            finally:
                os.close(entered)
        elif whole.startswith(wanted) and whole > after:
            with suppress(FileNotFoundError):
                size = os.stat(name, dir_fd=folder, follow_symlinks=False).st_size
                yield Stat(whole.decode("utf-8", "backslashreplace"), size)
