"""All replicas as one: an object is written to every store, read from whichever holds the right bytes.

One read of the source feeds every store through a bounded queue, one thread a store; the object's SHA-256 is computed
once and handed to the stores with the bytes. As many *required* replicas as the site asks for must confirm, else the
write fails; one that fails beyond that is left out of the answer, so that its ``ReplicaObject`` row stays unwritten and
it is caught up later.
"""

from __future__ import annotations

import hashlib
import logging
import threading
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager

from metadata.errors import Conflict, LantaiError, Unavailable
from repository.storage import failures
from repository.storage.base import Store, Written
from repository.storage.digested import OneChunk, Span
from repository.storage.fanout import Feed, ObjectHash

log = logging.getLogger(__name__)
_THREADS_PER_STORE = 4
_THREADS_PER_S3 = 8  # waits for answers most of the time


def _threads(store: Store) -> int:
    return _THREADS_PER_S3 if store.kind == "s3" else _THREADS_PER_STORE


_Outcome = Written | BaseException


ACTIVE, FILLING, RETIRED = "active", "filling", "retired"
"""States of a replica: in full use; joining, still without all objects; no longer written, read or audited."""


class Replicas:
    """The stores of one holding, by name.

    ``required`` names those (default all) that count towards confirming a write; ``confirmations`` is how many of them
    must confirm (0: every one). ``states`` gives the state of each replica from the catalogue: one that is ``filling``
    is written but never required, one that is ``retired`` or that the catalogue does not know is left alone. Without it,
    or while the catalogue knows no replica at all (it is being made), every store is in full use. ``optional``: those that
    the catalogue does not call required, for replicas that these settings lack. ``credentials``: the
    access key of each store that has one, to tell which share it.
    """

    def __init__(
        self,
        stores: Sequence[Store],
        required: Collection[str] | None = None,
        *,
        confirmations: int = 0,
        states: Callable[[], Mapping[str, str]] = dict,
        optional: Callable[[], Collection[str]] = frozenset,
        credentials: Mapping[str, str] | None = None,
    ) -> None:
        self._stores = {store.name: store for store in stores}
        if len(self._stores) != len(stores):
            raise ValueError("two replicas have one name")
        self._required = frozenset(self._stores if required is None else required)
        if unknown := self._required - self._stores.keys():
            raise ValueError(f"required replicas that do not exist: {sorted(unknown)}")
        self._confirmations = confirmations
        self._states = states
        self._optional = optional
        self._credentials = dict(credentials or {})
        self._pool: ThreadPoolExecutor | None = None
        self._pool_lock = threading.Lock()

    def _in(self, *states: str) -> Iterator[str]:
        known = self._states()
        return (name for name in tuple(self._stores) if (known.get(name) if known else ACTIVE) in states)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the replicas in use, in the order of the settings."""
        return tuple(self._in(ACTIVE, FILLING))

    @property
    def stores(self) -> tuple[Store, ...]:
        """Their stores, in the same order."""
        return tuple(self._stores[name] for name in self._in(ACTIVE, FILLING))

    @property
    def described(self) -> tuple[str, ...]:
        """Names of every store in the settings, also of those not in use."""
        return tuple(self._stores)

    @property
    def required(self) -> frozenset[str]:
        """The replicas that count towards confirming a write now."""
        return self._required.intersection(self._in(ACTIVE))

    @property
    def confirmations(self) -> int:
        """How many required replicas must confirm a write now."""
        required = len(self.required)
        return min(self._confirmations or required, required)

    @property
    def lacking(self) -> tuple[str, ...]:
        """Replicas in full use that the settings of this process do not describe."""
        return tuple(name for name, state in self._states().items() if state == ACTIVE and name not in self._stores)

    def counting(self, active: Mapping[str, bool]) -> set[str]:
        """Those of the ``active`` (name -> whether the catalogue calls it required) that count towards confirming: as the
        settings say, of one that they lack as the catalogue does. All of them where none would."""
        counted = {
            name for name, named in active.items() if (name in self._required if name in self._stores else named)
        }
        return counted or set(active)

    def same_credentials(self, first: str, second: str) -> bool:
        """Whether two stores are reached with one key, never which; folders need none."""
        key = self._credentials.get(first)
        return key is not None and key == self._credentials.get(second)

    def store(self, name: str) -> Store:
        """One store; ``KeyError`` for a name that is no replica."""
        return self._stores[name]

    def admit(self, store: Store, *, required: bool, credentials: str = "") -> None:
        """Take up the store of a replica that joined while this process ran."""
        self._stores = {**self._stores, store.name: store}
        if required:
            self._required |= {store.name}
        if credentials:
            self._credentials[store.name] = credentials

    # -- writing -------------------------------------------------------------------------------------------------

    def create_bytes(self, key: str, data: bytes, *, only: Collection[str] | None = None) -> dict[str, Written]:
        """Write a small object to all replicas (or ``only`` some) at once; errors as ``create_stream``."""
        return self._collect(key, self._submit(key, data, only))

    def create_many(
        self, items: Iterable[tuple[str, bytes]], *, only: Collection[str] | None = None
    ) -> dict[str, dict[str, Written]]:
        """Write many small objects, several at once; answers key -> what each replica confirmed.

        ``items`` may be a generator: only a window of it is in memory. The first failure of a required replica is
        raised after what is under way has ended; repeating the call is harmless.
        """
        done: dict[str, dict[str, Written]] = {}
        window: deque[tuple[str, dict[str, Future[Written]]]] = deque()
        try:
            for key, data in items:
                window.append((key, self._submit(key, data, only)))
                if len(window) >= 4 * _THREADS_PER_S3:
                    first, futures = window.popleft()
                    done[first] = self._collect(first, futures)
            while window:
                first, futures = window.popleft()
                done[first] = self._collect(first, futures)
        finally:
            for _key, futures in window:
                for future in futures.values():
                    future.exception()
        return done

    def create_stream(
        self,
        key: str,
        make_chunks: Callable[[], Iterator[bytes]],
        size: int | None = None,
        *,
        only: Collection[str] | None = None,
        known: Sequence[Span] = (),
    ) -> dict[str, Written]:
        """Write one object of any size to all replicas with one read of its source.

        ``size`` in bytes, when known, is checked before the object becomes visible. ``known``: stretches whose digests
        the source has checked by the time it gives their last bytes; a store need not take them again. An error of the source passes
        through and leaves nothing anywhere. ``Conflict``: a replica holds other bytes under ``key``.
        ``Unavailable`` names the required replica that did not take it (others may hold it; repeat the call).
        """
        feeds = {name: Feed(size, known) for name in self._chosen(only)}
        outcomes: dict[str, _Outcome] = {}
        threads = [
            threading.Thread(target=self._write, args=(name, key, feed, outcomes), name=f"store-{name}", daemon=True)
            for name, feed in feeds.items()
        ]
        for thread in threads:
            thread.start()
        failure: BaseException | None = None
        try:
            self._pump(key, make_chunks, size, list(feeds.values()))
        except BaseException as error:  # noqa: BLE001 - handed to every writer, then raised again
            failure = error
            for feed in feeds.values():
                feed.fail(error)
        for thread in threads:
            thread.join()
        if failure is not None:
            raise failure
        return self._settle(key, outcomes)

    @staticmethod
    def _pump(key: str, make_chunks: Callable[[], Iterator[bytes]], size: int | None, feeds: list[Feed]) -> None:
        digest, total = ObjectHash(), 0
        try:
            for chunk in make_chunks():
                if all(feed.abandoned for feed in feeds):
                    return
                total += len(chunk)
                digest.update(chunk)
                for feed in feeds:
                    feed.put(chunk)
            if size is not None and total != size:
                raise Conflict(
                    "store.not_as_expected",
                    zh=f"{key} 应有 {size} 字节，实际读到 {total} 字节；没有保存任何内容。",
                    en=f"{key} should have {size} bytes but {total} were read; nothing was kept.",
                    key=key,
                    expected=size,
                    found=total,
                )
            sha256 = digest.hexdigest()
            for feed in feeds:
                feed.finish(sha256)
        finally:
            digest.close()

    def _write(self, name: str, key: str, feed: Feed, outcomes: dict[str, _Outcome]) -> None:
        try:
            outcomes[name] = self._stores[name].create(key, feed)
        except BaseException as error:  # noqa: BLE001 - judged by the thread that asked
            outcomes[name] = error
        finally:
            feed.abandon()

    def enough(self, written: Collection[str], active: Mapping[str, bool]) -> bool:
        """Whether those that have ``written`` an object suffice, of the replicas that are ``active``; one at least must."""
        counted = self.counting(active)
        return len(counted.intersection(written)) >= max(1, min(self._confirmations or len(counted), len(counted)))

    def _chosen(self, only: Collection[str] | None) -> list[str]:
        if away := set(self.lacking):
            required = len(self.required)
            could = required + len(away.difference(self._optional()))
            if required < max(1, min(self._confirmations or could, could)):
                raise failures.not_described(sorted(away))
        return [name for name in self.names if only is None or name in only]

    def _submit(self, key: str, data: bytes, only: Collection[str] | None) -> dict[str, Future[Written]]:
        with self._pool_lock:
            if self._pool is None:
                self._pool = ThreadPoolExecutor(max(1, sum(map(_threads, self._stores.values()))), "replicas")
            pool = self._pool
        sha256 = hashlib.sha256(data).hexdigest()
        return {
            name: pool.submit(self._stores[name].create, key, OneChunk(data, sha256)) for name in self._chosen(only)
        }

    def _collect(self, key: str, futures: dict[str, Future[Written]]) -> dict[str, Written]:
        outcomes: dict[str, _Outcome] = {}
        for name, future in futures.items():
            error = future.exception()
            outcomes[name] = future.result() if error is None else error
        return self._settle(key, outcomes)

    def _settle(self, key: str, outcomes: dict[str, _Outcome]) -> dict[str, Written]:
        written: dict[str, Written] = {}
        errors: dict[str, BaseException] = {}
        for name, outcome in outcomes.items():
            if isinstance(outcome, Written):
                written[name] = outcome
            else:
                errors[name] = outcome
        for error in errors.values():
            if isinstance(error, Conflict) or not isinstance(error, LantaiError):
                raise error
        required = self.required & outcomes.keys()
        enough = min(self._confirmations or len(required), len(required))
        if not written and errors:
            raise next(iter(errors.values()))
        for name, error in errors.items():
            if name in required and len(required & written.keys()) < enough:
                raise error
            log.warning("replica %s did not take %s and is caught up later: %s", name, key, error)
        return written

    # -- reading -------------------------------------------------------------------------------------------------

    def read_any(self, key: str, sha256: str, *, first: Sequence[str] = ()) -> bytes:
        """A small object's bytes from the first replica whose bytes have ``sha256``; ``Unavailable`` when none has."""
        for store in self._ordered(first):
            try:
                data = b"".join(store.read(key))
            except LantaiError as error:
                log.warning("replica %s could not give %s: %s", store.name, key, error)
                continue
            if hashlib.sha256(data).hexdigest() == sha256:
                return data
            log.warning("replica %s holds other bytes under %s", store.name, key)
        raise no_intact_copy(key)

    def find_intact(self, key: str, sha256: str, *, skip: Collection[str] = ()) -> Store | None:
        """The first store whose whole object, read now, has ``sha256``; ``None`` when none has."""
        for store in self.stores:
            if store.name in skip:
                continue
            digest = hashlib.sha256()
            try:
                for chunk in store.read(key):
                    digest.update(chunk)
            except LantaiError:
                continue
            if digest.hexdigest() == sha256:
                return store
        return None

    @contextmanager
    def good_copy(self, key: str, sha256: str) -> Iterator[Store]:
        """A store whose copy of ``key`` was just read in full and has ``sha256``; ``Unavailable`` when there is none."""
        store = self.find_intact(key, sha256)
        if store is None:
            raise no_intact_copy(key)
        yield store

    def _ordered(self, first: Sequence[str]) -> list[Store]:
        used = self.names
        names = [name for name in first if name in used]
        return [self._stores[name] for name in [*names, *(n for n in used if n not in names)]]


def no_intact_copy(key: str) -> Unavailable:
    """No replica gives the recorded bytes of ``key`` now."""
    return Unavailable(
        "replicas.no_intact_copy",
        zh=f"没有任何副本现在能给出 {key} 的完好内容。请运行完整性检查并查看保存页面。",
        en=f"No replica gives the recorded bytes of {key} now. Run a fixity audit and look at the preservation page.",
        key=key,
    )
