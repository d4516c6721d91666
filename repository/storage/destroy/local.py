"""Destruction in a local folder."""

from __future__ import annotations

import os

from metadata.errors import LantaiError, NotFound, Unavailable
from repository.storage.local import LocalStore

CURRENT = "current"


class LocalDestroyer:
    """Destruction in a local folder, where each key has one version, ``current``.

    The name is removed and the folder brought to stable storage. Blocks of the disk are not overwritten: on journaling
    and flash storage that would prove nothing. Encryption at rest is the site's means against reading freed blocks.
    """

    def __init__(self, store: LocalStore) -> None:
        self._store = store

    def list_versions(self, key: str) -> list[str]:
        """``current`` when the key is there."""
        return [] if self.absent(key) else [CURRENT]

    def delete_version(self, key: str, version_id: str) -> None:
        """Remove the object of ``key``; ``Invalid`` keys and stores that do not answer are errors, absence is not."""
        if version_id != CURRENT:
            return
        parts = self._store.parts(key)
        try:
            with self._store.folder(parts[:-1], key) as folder, self._store.errors(key):
                os.unlink(parts[-1], dir_fd=folder)
                os.fsync(folder)
        except NotFound:
            return

    def absent(self, key: str) -> bool:
        """Whether the key is gone; a store whose folder is missing says nothing."""
        parts = self._store.parts(key)
        try:
            with self._store.folder(parts[:-1], key) as folder, self._store.errors(key):
                os.stat(parts[-1], dir_fd=folder, follow_symlinks=False)
        except NotFound:
            return True
        except Unavailable:
            raise
        except LantaiError:
            return False
        return False
