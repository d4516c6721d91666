"""The states of the replicas as the catalogue has them, looked up again every few seconds by every process."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping

from sqlalchemy import select
from sqlalchemy.exc import OperationalError

from repository.db import Sessions
from repository.tables import Replica

LOOK_AGAIN_SECONDS = 2.0


class KnownStates:
    """Replica name -> state, at most ``look_again`` seconds old; the last known while the database does not answer."""

    def __init__(self, reading: Sessions, *, look_again: float = LOOK_AGAIN_SECONDS) -> None:
        self._reading = reading
        self._look_again = look_again
        self._lock = threading.Lock()
        self._known: Mapping[str, str] = {}
        self._optional: frozenset[str] = frozenset()
        self._until = 0.0

    def __call__(self) -> Mapping[str, str]:
        """The states; empty while the catalogue has no replica at all."""
        if time.monotonic() < self._until:
            return self._known
        with self._lock:
            if time.monotonic() >= self._until:
                self._look()
        return self._known

    def optional(self) -> frozenset[str]:
        """Those that the catalogue does not call required."""
        self()
        return self._optional

    def forget(self) -> None:
        """Look again at the next call: this process has changed a state."""
        self._until = 0.0

    def _look(self) -> None:
        try:
            with self._reading() as session:
                rows = session.execute(select(Replica.name, Replica.state, Replica.required)).tuples().all()
                self._known = {name: state for name, state, _required in rows}
                self._optional = frozenset(name for name, _state, required in rows if not required)
        except OperationalError:
            if not self._known:
                raise
        self._until = time.monotonic() + self._look_again
