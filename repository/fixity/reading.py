"""Reading objects back: several threads, each hashing one object at a time, nothing larger than a chunk in memory.

hashlib releases the interpreter while it hashes and the store while it reads, so as many threads as cores keep the
cores busy; objects are handed over in bundles, because handing over one small object costs more than hashing it. An
object of any size is one stream: SHA-256 cannot be split.
"""

from __future__ import annotations

import errno
import hashlib
import os
import stat
import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from queue import Empty, SimpleQueue
from types import TracebackType
from typing import Any, Protocol, runtime_checkable

from metadata.errors import LantaiError, NotFound
from repository.bag.verify import verify_object
from repository.fixity.outcome import Outcome
from repository.storage.base import CHUNK, Store

THREADS = max(2, min(os.cpu_count() or 2, 8))
AWAY_THREADS = 8
"""Where a store is reached over the network: most of a small object's time is spent waiting for the answer."""
_READ = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
_OF_THE_OBJECT = frozenset(
    {"store.io_error", "store.failed_inside", "store.link", "store.key_is_folder", "store.denied"}
)
"""What a store says about one object; everything else is said about the store as a whole, and passes."""
_PASSING = frozenset(
    {
        errno.ETIMEDOUT,
        errno.ESTALE,
        errno.ENODEV,
        errno.ENXIO,
        errno.ENOTCONN,
        errno.EHOSTDOWN,
        errno.EHOSTUNREACH,
        errno.ESHUTDOWN,
        errno.EAGAIN,
        errno.EINTR,
        errno.EBUSY,
        errno.EMFILE,
        errno.ENFILE,
        errno.ENOMEM,
    }
)
"""Of a folder's file system: the device or its server is away, or this machine has too little of something."""
BUNDLE_BYTES = 16 << 20
BUNDLE_OBJECTS = 256


@dataclass(slots=True)
class Task:
    """One object to re-read. ``cold``: drop it from the operating system's cache first. ``deep``: open the bag too."""

    replica: str
    key: str
    kind: str
    record_id: str | None
    sha256: str
    size: int
    cold: bool = False
    deep: bool = False
    forbidden: bool = False
    """A tombstone says that the object must not exist."""


@dataclass(slots=True)
class Reading:
    """What reading one object back gave; ``outcome`` None when there is nothing to say (a destroyed object is gone)."""

    task: Task
    outcome: Outcome | None
    size: int = 0
    detail: dict[str, Any] = field(default_factory=dict)


@runtime_checkable
class _Folder(Protocol):
    """A store whose objects are files below ``root``, so that the operating system may keep them in memory."""

    root: Path


def _opened(store: Store, key: str) -> int | None:
    """A descriptor of the object's file, where the store is a folder and nothing on the way to it is a link.

    None in every other case and on any doubt: then the store itself reads, and says what is wrong. Opening by the whole
    path and asking the kernel where it led costs a third of walking the folders one by one.
    """
    if not isinstance(store, _Folder):
        return None
    path = f"{store.root}/{key}"
    try:
        descriptor = os.open(path, _READ)
    except OSError:
        return None
    try:
        if os.readlink(f"/proc/self/fd/{descriptor}") == path and stat.S_ISREG(os.fstat(descriptor).st_mode):  # noqa: PTH115 - a Path costs as much as the call
            return descriptor
    except OSError:
        pass
    os.close(descriptor)
    return None


def chunks_of(store: Store, key: str, *, cold: bool = False) -> Iterator[bytes]:
    """All bytes of an object. ``cold`` asks the operating system to forget them first, so that the disk is read.

    Raises what the store raises, or ``OSError`` when the disk fails on the way.
    """
    descriptor = _opened(store, key)
    if descriptor is None:
        yield from store.read(key)
        return
    try:
        if cold and hasattr(os, "posix_fadvise"):
            os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
        while chunk := os.read(descriptor, CHUNK):
            yield chunk
    finally:
        os.close(descriptor)


def digest(store: Store, key: str, *, cold: bool = False) -> tuple[str, int]:
    """SHA-256 and size of what the store gives for ``key``, read once, in chunks."""
    hashing, size = hashlib.sha256(), 0
    for chunk in chunks_of(store, key, cold=cold):
        hashing.update(chunk)
        size += len(chunk)
    return hashing.hexdigest(), size


def read_back(store: Store, task: Task, seen: Seen) -> Reading:
    """Re-read one object and compare; every failure of the store becomes an outcome."""
    try:
        if task.forbidden:
            return Reading(task, Outcome.STALE, 0, {"size": store.head(task.key).size})
        return _compare(store, task, seen)
    except NotFound:
        return Reading(task, None if task.forbidden else Outcome.MISSING)
    except LantaiError as error:
        return Reading(task, unread(error), 0, {"error": error.code})
    except OSError as error:
        return Reading(task, unread(error), 0, {"error": type(error).__name__, "errno": error.errno})


def unread(error: LantaiError | OSError) -> Outcome:
    """What it means that an object could not be read: unreadable where the store blames the object, else not checked."""
    number = error.errno if isinstance(error, OSError) else getattr(error.__cause__, "errno", None)
    if number in _PASSING or isinstance(error, TimeoutError | ConnectionError):
        return Outcome.NOT_CHECKED
    if isinstance(error, LantaiError) and error.code not in _OF_THE_OBJECT:
        return Outcome.NOT_CHECKED
    return Outcome.UNREADABLE


def _compare(store: Store, task: Task, seen: Seen) -> Reading:
    hashing, size = hashlib.sha256(), 0
    findings: list[dict[str, Any]] = []

    def hashed() -> Iterator[bytes]:
        nonlocal size
        for chunk in chunks:
            hashing.update(chunk)
            size += len(chunk)
            seen.add(len(chunk))
            yield chunk

    chunks = chunks_of(store, task.key, cold=task.cold)
    if task.deep and task.kind == "bag":
        findings = [{"code": one.code, "path": one.path} for one in verify_object(hashed()).errors]
    for chunk in chunks:  # also what a check of the bag left over where the container is broken
        hashing.update(chunk)
        size += len(chunk)
        seen.add(len(chunk))
    actual = hashing.hexdigest()
    if actual != task.sha256:
        detail: dict[str, Any] = {"sha256": actual, "size": size, "recorded_size": task.size}
        if findings:
            detail["findings"] = findings[:100]
        return Reading(task, Outcome.DAMAGED, size, detail)
    if findings:
        return Reading(task, Outcome.DAMAGED, size, {"sha256": actual, "size": size, "findings": findings[:100]})
    return Reading(task, Outcome.INTACT, size)


class Stopped(Exception):
    """The run was broken off while an object was being read."""


class Seen:
    """Bytes that one thread has read so far; other threads only look."""

    __slots__ = ("bytes", "stop")

    def __init__(self, stop: threading.Event) -> None:
        self.bytes = 0
        self.stop = stop

    def add(self, count: int) -> None:
        """Count ``count`` more bytes; ``Stopped`` when the run was broken off."""
        self.bytes += count
        if self.stop.is_set():
            raise Stopped


class Readers:
    """Threads that read bundles of tasks; use as a context manager, which stops and joins them."""

    def __init__(self, stores: dict[str, Store], threads: int = 0) -> None:
        self._stores = stores
        threads = threads or (THREADS if all(isinstance(one, _Folder) for one in stores.values()) else AWAY_THREADS)
        self._bundles: SimpleQueue[list[Task] | None] = SimpleQueue()
        self._read: SimpleQueue[list[Reading] | BaseException] = SimpleQueue()
        self._stop = threading.Event()
        self._seen = [Seen(self._stop) for _ in range(threads)]
        self._threads = [
            threading.Thread(target=self._work, args=(seen,), name="fixity-reader", daemon=True) for seen in self._seen
        ]

    def __enter__(self) -> Readers:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            self._stop.set()
        for _ in self._threads:
            self._bundles.put(None)
        for thread in self._threads:
            thread.join()

    @property
    def bytes_read(self) -> int:
        """Bytes read so far, also of objects that are still being read."""
        return sum(seen.bytes for seen in self._seen)

    def read(self, bundles: Iterable[list[Task]], *, every: float = 0.5) -> Iterator[list[Reading]]:
        """Results bundle by bundle as they come; an empty list about every ``every`` seconds while nothing comes."""
        source = iter(bundles)
        ahead = 2 * len(self._threads)
        outstanding = 0
        more = True
        while more or outstanding:
            while more and outstanding < ahead:
                bundle = next(source, None)
                if bundle is None:
                    more = False
                else:
                    self._bundles.put(bundle)
                    outstanding += 1
            if not outstanding:
                return
            try:
                result = self._read.get(timeout=every)
            except Empty:
                yield []
                continue
            outstanding -= 1
            if isinstance(result, BaseException):
                raise result
            yield result

    def _work(self, seen: Seen) -> None:
        while (bundle := self._bundles.get()) is not None:
            if self._stop.is_set():
                continue
            try:
                self._read.put([read_back(self._stores[task.replica], task, seen) for task in bundle])
            except BaseException as error:  # noqa: BLE001 - handed to the thread that waits, which raises it
                self._read.put(error)


def bundled(tasks: Iterable[Task]) -> Iterator[list[Task]]:
    """Tasks in the same order, in bundles that are worth handing over."""
    bundle: list[Task] = []
    size = 0
    for task in tasks:
        if bundle and (size + task.size > BUNDLE_BYTES or len(bundle) >= BUNDLE_OBJECTS):
            yield bundle
            bundle, size = [], 0
        bundle.append(task)
        size += task.size
    if bundle:
        yield bundle
