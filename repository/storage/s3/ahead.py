"""Reading ahead: the next pieces arrive while the last one is being hashed."""

from __future__ import annotations

import queue
import threading
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

_DEPTH = 4
_LOOK_SECONDS = 0.2
SIDE_BY_SIDE = 3
_Given = TypeVar("_Given")
_Made = TypeVar("_Made")


def in_turn(made: Callable[[_Given], _Made], given: Iterator[_Given]) -> Iterator[_Made]:
    """What ``made`` makes of each, in their order, ``SIDE_BY_SIDE`` of them under way or waiting at a time."""
    pool = ThreadPoolExecutor(SIDE_BY_SIDE, "s3-range")
    running: deque[Future[_Made]] = deque()
    try:
        for one in given:
            running.append(pool.submit(made, one))
            if len(running) >= SIDE_BY_SIDE:
                yield running.popleft().result()
        while running:
            yield running.popleft().result()
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def ahead(source: Iterator[bytes]) -> Iterator[bytes]:
    """The same pieces, at most ``_DEPTH`` of them read before they are asked for; its errors are raised in their turn.

    A reader that stops early ends the thread as well, at the latest with the piece that is under way.
    """
    pieces: queue.Queue[bytes | BaseException | None] = queue.Queue(_DEPTH)
    stopped = threading.Event()

    def hand(item: bytes | BaseException | None) -> None:
        while not stopped.is_set():
            try:
                pieces.put(item, timeout=_LOOK_SECONDS)
                return
            except queue.Full:
                continue

    def fill() -> None:
        try:
            for piece in source:
                hand(piece)
                if stopped.is_set():
                    return
            hand(None)
        except BaseException as error:  # noqa: BLE001 - raised by the thread that reads
            hand(error)

    threading.Thread(target=fill, name="s3-ahead", daemon=True).start()
    try:
        while (item := pieces.get()) is not None:
            if isinstance(item, BaseException):
                raise item
            yield item
    finally:
        stopped.set()
