"""The start of a worker process: while the database is away or held by another it waits, says so, and then works.

What a person must put right first (a wrong password, a database that does not exist) is told at once instead.
"""

from __future__ import annotations

import logging
import os
import signal
import threading
import time
from collections.abc import Callable, Sequence
from typing import IO, NoReturn, TypeVar

from sqlalchemy.exc import OperationalError

from access.masking import mask_log
from lantai import collecting
from lantai.jobs import Queue
from lantai.site import Site
from lantai.worker import FIRST_PAUSE, LONGEST_PAUSE, Stepped, Worker
from metadata.errors import Unavailable
from repository.db import unavailable

log = logging.getLogger("lantai.worker")
T = TypeVar("T")

PASSES = frozenset(
    {
        "database.collided",
        "database.down",
        "database.locked",
        "database.starting",
        "database.too_many_connections",
        "database.too_slow",
        "site.busy",
    }
)
"""Codes of what passes by itself."""
ENDED_AT_ONCE = 75
"""How a worker ends that was told to and not done in time (EX_TEMPFAIL of sysexits)."""


def patiently(begin: Callable[[], T], stop: threading.Event | None = None) -> T:
    """What ``begin`` gives, tried again until the database can be used; raises what does not pass by itself.

    ``stop``: who waits is told to end, and the last fault is raised.
    """
    stop, pause = stop or threading.Event(), FIRST_PAUSE
    while True:
        try:
            return begin()
        except OperationalError as error:
            fault = unavailable(error)
            if fault.code not in PASSES:
                raise
        except Unavailable as error:
            fault = error
            if fault.code not in PASSES:
                raise
        log.warning("the worker waits to start: %s", fault)
        if stop.wait(pause):
            raise fault
        pause = min(2 * pause, LONGEST_PAUSE)


def run_forever(
    site: Site,
    *,
    until_closed: IO[bytes] | None = None,
    queues: Sequence[Queue] = tuple(Queue),
    stepped: Stepped | None = None,
) -> None:
    """`lantai worker`: work until told to stop by SIGTERM, Ctrl-C, or the end of ``until_closed``.

    Whoever started this process holds the other end of that pipe: when the starter dies, however it dies, the pipe ends
    and so does the worker. While the database is away or held by another at the start, it waits. Told to end, it ends
    within ``worker_grace_seconds``; told a second time, at once.
    """
    mask_log()
    told = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: _end_at_once("was told twice") if told.is_set() else told.set())
    grace = site.settings.worker_grace_seconds
    threading.Thread(target=_end_within, args=(grace, told), name="grace", daemon=True).start()
    if until_closed is not None:
        threading.Thread(target=_tell_at_end, args=(until_closed, told), name="starter", daemon=True).start()

    def begin() -> Worker:
        made = Worker(site, queues=queues, stepped=stepped)
        try:
            made.start()
        except BaseException:
            made.stop()
            raise
        return made

    worker = patiently(begin, told)
    collecting.settled()
    try:
        while not told.wait(3600):
            pass
    finally:
        told.set()
        worker.stop()


def _tell_at_end(pipe: IO[bytes], told: threading.Event) -> None:
    pipe.read()
    told.set()


def _end_within(seconds: float, told: threading.Event) -> None:
    """The end of this process ``seconds`` after it was told, whatever still runs.

    The job engine asks a database that is away again and again without end, and so would a worker that waits for it.
    """
    told.wait()
    time.sleep(seconds)
    _end_at_once(f"had something in hand {seconds:.0f} s after it was told to end")


def _end_at_once(why: str) -> NoReturn:
    """As after kill -9 nothing is lost and nothing half done: other workers, or the next one, take up what was in hand."""
    log.warning("the worker %s; it ends now, and its jobs are taken up again", why)
    os._exit(ENDED_AT_ONCE)
