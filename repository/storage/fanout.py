"""One read of a source for several stores: a bounded queue each, and the digest of the object taken once beside them."""

from __future__ import annotations

import hashlib
import queue
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor

from repository.storage.digested import DigestedChunks, Span

_QUEUED = 16  # chunks of about 1 MiB, shared by all queues
_THREADED_FROM = 256 << 10


class Feed(DigestedChunks):
    """One store's end of the fan-out."""

    def __init__(self, size: int | None, known: Sequence[Span]) -> None:
        self.size = size
        self.known = known
        self._queue: queue.Queue[bytes | BaseException | None] = queue.Queue(_QUEUED)
        self._sha256 = ""
        self.abandoned = False

    def __next__(self) -> bytes:
        item = self._queue.get()
        if item is None:
            raise StopIteration
        if isinstance(item, BaseException):
            raise item
        return item

    def sha256(self) -> str:
        """Digest of all chunks, set before the end was announced."""
        return self._sha256

    def put(self, chunk: bytes) -> None:
        """Hand a chunk over; waits for a slow store, never for one that has stopped."""
        if not self.abandoned:
            self._queue.put(chunk)

    def finish(self, sha256: str) -> None:
        """Announce the end."""
        self._sha256 = sha256
        if not self.abandoned:
            self._queue.put(None)

    def fail(self, error: BaseException) -> None:
        """Let the store see the source's error, so that it keeps nothing."""
        if not self.abandoned:
            self._queue.put(error)

    def abandon(self) -> None:
        """The store takes no more: free a reader that waits for room."""
        self.abandoned = True
        while True:
            try:
                self._queue.get_nowait()
            except queue.Empty:
                return


class ObjectHash:
    """SHA-256 of the whole object, one chunk behind in a thread of its own when chunks are large."""

    def __init__(self) -> None:
        self._hash = hashlib.sha256()
        self._pool: ThreadPoolExecutor | None = None
        self._running: Future[None] | None = None

    def update(self, chunk: bytes) -> None:
        """Take the next chunk in."""
        self._wait()
        if len(chunk) < _THREADED_FROM:
            self._hash.update(chunk)
            return
        if self._pool is None:
            self._pool = ThreadPoolExecutor(1, "object-hash")
        self._running = self._pool.submit(self._hash.update, chunk)

    def _wait(self) -> None:
        if self._running is not None:
            self._running.result()
            self._running = None

    def hexdigest(self) -> str:
        """Digest of all chunks."""
        self._wait()
        return self._hash.hexdigest()

    def close(self) -> None:
        """End the thread."""
        if self._pool is not None:
            self._pool.shutdown()
