"""The steps that a worker has in hand, and the moment from which it may begin no other."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Stopped(Exception):
    """A person stopped the job, another worker has it by now, or this one has let the job engine go."""


class InHand:
    """``let_go`` is set once the engine can enter nothing any more: what a job does then is another worker's to do."""

    def __init__(self) -> None:
        self.let_go = threading.Event()
        self._count = 0
        self._changed = threading.Condition()

    @contextmanager
    def step(self) -> Iterator[None]:
        """A step, which ``finish`` waits for; ``Stopped`` when the engine was let go of."""
        with self._changed:
            if self.let_go.is_set():
                raise Stopped
            self._count += 1
        try:
            yield
        finally:
            with self._changed:
                self._count -= 1
                self._changed.notify_all()

    def finish(self) -> None:
        """The engine is let go of; back when no step is in hand: their own threads would fail once the interpreter ends."""
        with self._changed:
            self.let_go.set()
            self._changed.wait_for(lambda: self._count == 0)
