"""A replica that cannot be used now: its disk is not mounted, or it carries no marker of this holding.

It stands in for the store so that everything else goes on: reads and writes of it say why they cannot be, and nothing
is ever written into an empty mount point.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from metadata.errors import LantaiError, Unavailable
from repository.storage.base import Stat, Written


class OfflineStore:
    """Answers every call with the ``Unavailable`` that kept the store from being used."""

    def __init__(self, name: str, kind: str, why: LantaiError) -> None:
        self.name = name
        self.kind = kind
        self._why = why

    def _say(self) -> Unavailable:
        return Unavailable(self._why.code, zh=self._why.zh, en=self._why.en, store=self.name)

    def create(self, key: str, chunks: Iterable[bytes | memoryview], *, expect: str | None = None) -> Written:
        """Always ``Unavailable``; nothing is read from ``chunks``."""
        del key, chunks, expect
        raise self._say()

    def read(self, key: str) -> Iterator[bytes]:
        """Always ``Unavailable``."""
        del key
        raise self._say()

    def read_range(self, key: str, offset: int, length: int) -> Iterator[bytes]:
        """Always ``Unavailable``."""
        del key, offset, length
        raise self._say()

    def head(self, key: str) -> Stat:
        """Always ``Unavailable``."""
        del key
        raise self._say()

    def list(self, prefix: str = "", *, after: str = "") -> Iterator[Stat]:
        """Always ``Unavailable``."""
        del prefix, after
        raise self._say()

    def set_aside(self, key: str, evidence_key: str) -> None:
        """Always ``Unavailable``."""
        del key, evidence_key
        raise self._say()
