"""The start of a worker process: while the database is away or held by another it waits, says so, and then works.

What a person must put right first (a wrong password, a database that does not exist) is told at once instead.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from typing import TypeVar

from sqlalchemy.exc import OperationalError

from access.masking import mask_log
from lantai import collecting
from lantai.ending import Ending
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


def patiently(begin: Callable[[], T], stop: threading.Event) -> T:
    """What ``begin`` gives, tried again until the database can be used; raises what does not pass by itself.

    ``stop``: who waits is told to end, and does, in an orderly way (``SystemExit``): it was asked to, and nothing was begun.
    """
    pause = FIRST_PAUSE
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
            raise SystemExit(0)
        pause = min(2 * pause, LONGEST_PAUSE)


def run_forever(
    site: Site,
    ending: Ending,
    *,
    queues: Sequence[Queue] = tuple(Queue),
    stepped: Stepped | None = None,
) -> None:
    """`lantai worker`: work until told to end. While the database is away or held by another at the start, it waits."""
    mask_log()

    def begin() -> Worker:
        made = Worker(site, queues=queues, stepped=stepped)
        try:
            made.start()
        except BaseException:
            made.stop()
            raise
        return made

    with ending.at_last():
        worker = patiently(begin, ending.told)
        collecting.settled()
        try:
            ending.told.wait()
        finally:
            worker.stop()
