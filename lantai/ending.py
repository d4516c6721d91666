"""How a process that works is told to end: by SIGTERM, Ctrl-C, or the end of a pipe; by a second signal, at once.

The interpreter writes the number of a signal into a pipe as it comes, also while the main thread waits in a call that never
returns to Python, such as one for a lock of a database; what follows from it is done by a thread.
"""

from __future__ import annotations

import logging
import os
import select
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import IO, NoReturn

log = logging.getLogger("lantai.worker")

AT_ONCE = 75
"""How a worker ends that was told to and not done in time (EX_TEMPFAIL of sysexits)."""
_SIGNALS = (signal.SIGTERM, signal.SIGINT)
_OTHERWISE = b"\0"
_LAST_WORDS = 1.0
"""Seconds for the line in the log, which whoever reads it may hold up."""


class Ending:
    """Whether this process was ``told`` to end; it is gone ``grace`` seconds later, whatever still runs.

    The job engine asks a database that is away again and again without end, and so would a process that waits for it. To
    end in the middle is as kill -9: nothing is lost and nothing half done, and other workers take up what was in hand.
    """

    def __init__(self, grace: float) -> None:
        """For the main thread of a process that is a worker and nothing else."""
        self.told = threading.Event()
        self._grace = grace
        self._heard, self._say = os.pipe()
        os.set_blocking(self._say, False)
        signal.set_wakeup_fd(self._say, warn_on_full_buffer=False)
        for one in _SIGNALS:
            signal.signal(one, lambda *_: None)
        threading.Thread(target=self._watch, name="ending", daemon=True).start()

    def with_pipe(self, pipe: IO[bytes]) -> None:
        """Whoever started this process holds the other end: when the starter dies, however it dies, the pipe ends."""

        def wait() -> None:
            # not by the buffered reader: a thread that holds its lock aborts the interpreter at its end
            while os.read(pipe.fileno(), 4096):
                pass
            self._tell()

        threading.Thread(target=wait, name="starter", daemon=True).start()

    @contextmanager
    def at_last(self) -> Iterator[None]:
        """However the block ends, this process was told."""
        try:
            yield
        finally:
            self.told.set()
            self._tell()

    def _tell(self) -> None:
        with suppress(BlockingIOError):  # thousands wait there to be read
            os.write(self._say, _OTHERWISE)

    def _watch(self) -> NoReturn:
        signals, deadline = 0, float("inf")
        while True:
            left = None if deadline == float("inf") else max(0.0, deadline - time.monotonic())
            if not select.select([self._heard], [], [], left)[0]:
                _end(f"had something in hand {self._grace:.0f} s after it was told to end")
            signals += sum(one in _SIGNALS for one in os.read(self._heard, 4096))
            if signals > 1:
                _end("was told twice")
            deadline = min(deadline, time.monotonic() + self._grace)
            self.told.set()


def _end(why: str) -> NoReturn:
    words = "the worker %s; it ends now, and its jobs are taken up again"
    last = threading.Thread(target=log.warning, args=(words, why), daemon=True)
    last.start()
    last.join(_LAST_WORDS)
    os._exit(AT_ONCE)
