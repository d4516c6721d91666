"""A replica that cannot be used now: its disk is not mounted, or it carries no marker of this holding.

It stands in for the store so that everything else goes on: reads and writes of it say why they cannot be, and nothing
is ever written into an empty mount point. It looks again from time to time, so that a process that runs for months
takes the replica up when its disk is back.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator

from metadata.errors import LantaiError, Unavailable
from repository.storage import faults
from repository.storage.base import Stat, Store, Written

LOOK_AGAIN_SECONDS = 5.0


class OfflineStore:
    """Answers with the ``Unavailable`` that keeps the store from being used, until ``look`` gives it.

    ``look`` opens the store anew and proves that it is the right one, or raises; it is called at most every
    ``look_again`` seconds. ``location``: where it should be.
    """

    def __init__(
        self,
        name: str,
        kind: str,
        why: LantaiError,
        look: Callable[[], Store],
        *,
        location: str = "",
        look_again: float = LOOK_AGAIN_SECONDS,
    ) -> None:
        self.name = name
        self.kind = kind
        self.location = location
        self._why = why
        self._look = look
        self._look_again = look_again
        self._next = time.monotonic() + look_again
        self._store: Store | None = None
        self._lock = threading.Lock()

    def _use(self) -> Store:
        with self._lock:
            if self._store is None and time.monotonic() >= self._next:
                try:
                    self._store = self._look()
                except LantaiError as error:
                    self._why = error
                    self._next = time.monotonic() + self._look_again
            if self._store is None:
                faults.met(self.name, self._why.code)
                raise Unavailable(self._why.code, zh=self._why.zh, en=self._why.en, store=self.name)
            return self._store

    @property
    def away(self) -> bool:
        """Whether the store still cannot be used."""
        try:
            self._use()
        except Unavailable:
            return True
        return False

    def failure_domain(self) -> str:
        """As the store."""
        return self._use().failure_domain()

    def prepare(self) -> None:
        """As the store."""
        self._use().prepare()

    def check(self) -> int:
        """As the store."""
        return self._use().check()

    def create(self, key: str, chunks: Iterable[bytes | memoryview], *, expect: str | None = None) -> Written:
        """As the store; nothing is read from ``chunks`` while it is away."""
        return self._use().create(key, chunks, expect=expect)

    def read(self, key: str) -> Iterator[bytes]:
        """As the store."""
        return self._use().read(key)

    def read_range(self, key: str, offset: int, length: int) -> Iterator[bytes]:
        """As the store."""
        return self._use().read_range(key, offset, length)

    def head(self, key: str) -> Stat:
        """As the store."""
        return self._use().head(key)

    def list(self, prefix: str = "", *, after: str = "") -> Iterator[Stat]:
        """As the store."""
        return self._use().list(prefix, after=after)

    def set_aside(self, key: str, evidence_key: str) -> None:
        """As the store."""
        self._use().set_aside(key, evidence_key)
