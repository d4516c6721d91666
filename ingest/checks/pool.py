"""A standing pool of spawned processes for everything that parses foreign bytes.

A process gets a batch of files, a time limit and a memory limit. When it is killed, hangs or runs out of memory the
batch is halved until the one file at fault is found; that file costs one finding, the others are checked as usual.
Two guards hold the time limit: the parent waits no longer, and the child's own SIGALRM, which ends it even while a
parser holds the interpreter's lock or after the parent has died.
"""

from __future__ import annotations

import contextlib
import importlib
import logging
import multiprocessing
import queue
import resource
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Any

log = logging.getLogger(__name__)
_GRACE = 5.0
_STARTUP = 60.0
_OLD_AFTER = 2_000  # batches after which a process is replaced, so that no leak of a parser grows for ever


class Failed:
    """What came of a file whose process died; ``reason`` is a stable word."""

    def __init__(self, reason: str) -> None:
        self.reason = reason

    def __repr__(self) -> str:
        return f"Failed({self.reason!r})"


def _serve(connection: Connection, memory_bytes: int) -> None:
    """The child: answer batches until the parent goes away."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
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
        self._process: BaseProcess | None = None
        self._connection: Connection | None = None
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
        if self._served >= _OLD_AFTER or isinstance(answer, Failed):
            self.stop()
        return answer

    def _open(self) -> Connection:
        if self._connection is not None and self._process is not None and self._process.is_alive():
            return self._connection
        self.stop()
        context = multiprocessing.get_context("spawn")
        mine, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs, self._memory_bytes), daemon=True, name="check")
        self._process.start()
        theirs.close()
        self._connection = mine
        self._served = 0
        return mine

    def stop(self) -> None:
        """End the process, whatever it is doing."""
        if self._connection is not None:
            self._connection.close()
        if self._process is not None:
            self._process.kill()
            self._process.join()
            self._process.close()
        self._process = self._connection = None


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
        self._closed = threading.Event()

    def map(self, function: str, items: Sequence[Any]) -> Iterator[tuple[Any, Any]]:
        """Each item with the answer of ``function`` (``module:name``, list in, list out) or ``Failed``; in order."""
        batches = [items[start : start + self._batch] for start in range(0, len(items), self._batch)]
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

    def close(self) -> None:
        """End all processes."""
        if not self._closed.is_set():
            self._closed.set()
            self._threads.shutdown(wait=True)
            for worker in self._workers:
                worker.stop()
