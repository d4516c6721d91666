"""A standing pool of spawned processes for everything that parses foreign bytes.

A process gets a batch of files, a time limit and a memory limit. When it is killed, hangs or runs out of memory the
batch is halved until the one file at fault is found; that file costs one finding, the others are checked as usual.
Two guards hold the time limit: the parent waits no longer, and the child's own SIGALRM, which ends it even while a
parser holds the interpreter's lock or after the parent has died. A child is this module run by itself
(``python -m ingest.pool``), so that it holds nothing of the program but the parsers it was asked for. Temporary files go
to a folder of its own, which is removed with it: a parser that is killed tidies nothing up.
"""

from __future__ import annotations

import contextlib
import importlib
import logging
import os
import queue
import resource
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

log = logging.getLogger(__name__)
_GRACE = 5.0
_STARTUP = 60.0
_BATCH_BYTES = 64 << 20
_OLD_AFTER = 2_000  # batches after which a process is replaced, so that no leak of a parser grows for ever


@dataclass(frozen=True, slots=True)
class Failed:
    """What came of a file whose check broke off; ``reason`` is a stable word or the name of the parser's error."""

    reason: str


def serve(connection: Connection, memory_bytes: int) -> None:
    """The child: answer batches until the parent goes away. The address space is limited to ``memory_bytes``."""
    for one in (signal.SIGINT, signal.SIGTERM):  # a service manager tells the whole group: the parent's word counts
        signal.signal(one, signal.SIG_IGN)
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    if memory_bytes:
        resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with contextlib.suppress(EOFError, OSError):
        while True:
            function, items, seconds = connection.recv()
            signal.setitimer(signal.ITIMER_REAL, seconds + _GRACE)
            try:
                module, _, name = function.partition(":")
                answer: Any = getattr(importlib.import_module(module), name)(items)
            except MemoryError:
                answer = Failed("memory")
            except Exception as error:  # noqa: BLE001 - a parser's own fault becomes a finding in the parent
                answer = Failed(type(error).__name__)
            signal.setitimer(signal.ITIMER_REAL, 0)
            connection.send(answer)


class _Worker:
    """One child process, started when first needed and again after every death."""

    def __init__(self, memory_bytes: int) -> None:
        self._memory_bytes = memory_bytes
        self._process: subprocess.Popen[bytes] | None = None
        self._connection: Connection | None = None
        self._scratch: str | None = None
        self._served = 0

    def run(self, function: str, items: Sequence[Any], seconds: float) -> Any:
        """The answer for ``items``, or ``Failed``."""
        started = self._process is None
        connection = self._open()
        try:
            connection.send((function, list(items), seconds))
            if not connection.poll(seconds + (_STARTUP if started else 0.0)):
                self.stop()
                return Failed("time")
            answer = connection.recv()
        except (EOFError, OSError):
            self.stop()
            return Failed("killed")
        self._served += 1
        if self._served >= _OLD_AFTER or answer == Failed("memory"):
            self.stop()
        return answer

    def _open(self) -> Connection:
        if self._connection is not None and self._process is not None and self._process.poll() is None:
            return self._connection
        self.stop()
        self._scratch = tempfile.mkdtemp(prefix="lantai-check-")
        mine, theirs = socket.socketpair()
        with theirs:
            root = str(Path(__file__).parents[1])
            paths = os.pathsep.join(one for one in (root, os.environ.get("PYTHONPATH", "")) if one)
            self._process = subprocess.Popen(  # noqa: S603 - our own module by our own interpreter
                [sys.executable, "-m", "ingest.pool", str(theirs.fileno()), str(self._memory_bytes), self._scratch],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env={**os.environ, "PYTHONPATH": paths, "TMPDIR": self._scratch},
            )
        self._connection = Connection(mine.detach())
        self._served = 0
        return self._connection

    def kill(self) -> None:
        """Kill the process from another thread; ``run``, which waits for it, answers ``Failed``."""
        process = self._process
        if process is not None:
            process.kill()

    def stop(self) -> None:
        """End the process, whatever it is doing."""
        if self._connection is not None:
            self._connection.close()
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        if self._scratch is not None:
            shutil.rmtree(self._scratch, ignore_errors=True)
        self._process = self._connection = self._scratch = None


def _batches(items: Sequence[Any], weights: Sequence[int] | None, most: int) -> Iterator[Sequence[Any]]:
    start = weight = 0
    for place in range(len(items)):
        more = weights[place] if weights is not None else 0
        if place > start and (place - start >= most or weight + more > _BATCH_BYTES):
            yield items[start:place]
            start, weight = place, 0
        weight += more
    if start < len(items):
        yield items[start:]


class CheckPool:
    """``workers`` processes; ``memory_bytes`` of address space each (0: no limit), ``seconds`` for a batch."""

    def __init__(self, workers: int, *, memory_bytes: int, seconds: float, batch: int) -> None:
        self._seconds = seconds
        self._batch = max(1, batch)
        self._idle: queue.SimpleQueue[_Worker] = queue.SimpleQueue()
        self._workers = [_Worker(memory_bytes) for _ in range(max(1, workers))]
        for worker in self._workers:
            self._idle.put(worker)
        self._threads = ThreadPoolExecutor(len(self._workers), "checks")
        self._closed = False

    @property
    def workers(self) -> int:
        """How many processes there are."""
        return len(self._workers)

    def map(
        self, function: str, items: Sequence[Any], weights: Sequence[int] | None = None
    ) -> Iterator[tuple[Any, Any]]:
        """Each item with the answer of ``function`` (``module:name``, list in, list out) or ``Failed``; in order.

        With ``weights`` (bytes of each item) a batch ends before it passes ``_BATCH_BYTES``, so that a few large files
        are not held to the time of one batch together.
        """
        batches = list(_batches(items, weights, self._batch))
        running: list[Future[list[Any]]] = [self._threads.submit(self._run, function, batch) for batch in batches]
        for batch, future in zip(batches, running, strict=True):
            yield from zip(batch, future.result(), strict=True)

    def _run(self, function: str, batch: Sequence[Any]) -> list[Any]:
        worker = self._idle.get()
        try:
            return self._halve(worker.run, function, batch)
        finally:
            self._idle.put(worker)

    def _halve(self, run: Callable[[str, Sequence[Any], float], Any], function: str, batch: Sequence[Any]) -> list[Any]:
        answer = run(function, batch, self._seconds)
        if not isinstance(answer, Failed):
            return list(answer)
        if len(batch) == 1:
            log.warning("a check's process ended on one file: %s", answer.reason)
            return [answer]
        middle = len(batch) // 2
        return self._halve(run, function, batch[:middle]) + self._halve(run, function, batch[middle:])

    def interrupt(self) -> None:
        """Kill what runs now: its items come back as ``Failed`` (``killed``), and the processes start anew."""
        for worker in self._workers:
            worker.kill()

    def close(self) -> None:
        """End all processes."""
        if not self._closed:
            self._closed = True
            self._threads.shutdown(wait=True)
            for worker in self._workers:
                worker.stop()


if __name__ == "__main__":
    # the module is also imported by its own name: what is sent must be of classes that the parent knows
    importlib.import_module("ingest.pool").serve(Connection(int(sys.argv[1])), int(sys.argv[2]))
    shutil.rmtree(sys.argv[3], ignore_errors=True)  # the parent is gone, perhaps without a word
