"""Reading ahead: the next pieces arrive while the last one is being hashed."""

from __future__ import annotations

import queue
import threading
from collections import deque
from collections.abc import Iterator
from typing import Self

_DEPTH = 4
_LOOK_SECONDS = 0.2
SIDE_BY_SIDE = 2


class Ahead:
    """The pieces of ``source``, at most ``depth`` of them read before they are asked for; reading begins at once.

    Its errors are raised in their turn. After ``stop`` the thread that reads ends, at the latest with the piece under way.
    """

    def __init__(self, source: Iterator[bytes], depth: int = _DEPTH) -> None:
        self._source = source
        self._pieces: queue.Queue[bytes | BaseException | None] = queue.Queue(depth)
        self._stopped = threading.Event()
        threading.Thread(target=self._fill, name="s3-ahead", daemon=True).start()

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> bytes:
        item = self._pieces.get()
        if item is None:
            raise StopIteration
        if isinstance(item, BaseException):
            raise item
        return item

    def stop(self) -> None:
        """Nobody asks for more."""
        self._stopped.set()

    def _fill(self) -> None:
        try:
            for piece in self._source:
                self._hand(piece)
                if self._stopped.is_set():
                    return
            self._hand(None)
        except BaseException as error:  # noqa: BLE001 - raised by the thread that reads
            self._hand(error)

    def _hand(self, item: bytes | BaseException | None) -> None:
        while not self._stopped.is_set():
            try:
                self._pieces.put(item, timeout=_LOOK_SECONDS)
                return
            except queue.Full:
                continue


def ahead(source: Iterator[bytes]) -> Iterator[bytes]:
    """The same pieces, a few of them read before they are asked for."""
    reading = Ahead(source)
    try:
        yield from reading
    finally:
        reading.stop()


def in_turn(sources: Iterator[Iterator[bytes]], depth: int) -> Iterator[bytes]:
    """The pieces of all ``sources`` in their order, ``SIDE_BY_SIDE`` of them read at a time, ``depth`` pieces of each ahead."""
    running: deque[Ahead] = deque()
    try:
        for source in sources:
            running.append(Ahead(source, depth))
            if len(running) == SIDE_BY_SIDE:
                yield from running[0]
                running.popleft()
        while running:
            yield from running[0]
            running.popleft()
    finally:
        for one in running:
            one.stop()
