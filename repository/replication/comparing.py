"""Two replicas held against each other: their listings, merged as they stream, so that memory does not grow.

Markers and evidence belong to one replica each and are passed over. What looks different is looked at once more before
it is said, because objects come in while a listing runs. Nothing is changed and nothing is judged against the catalogue:
that is the work of audits and inventories; a comparison needs no catalogue to be true.
"""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

from sqlalchemy import insert

from metadata.errors import Invalid, NotFound
from repository.archive import Archive
from repository.holding import check_marker
from repository.ledger import acts
from repository.ledger.acts import ActorRef
from repository.replication.retiring import unknown_replica
from repository.storage.base import Stat, Store
from repository.tables import ReplicaComparison

LISTED = 1000
_OWN = ("holding/", "evidence/")
_AT_ONCE = 8
_EVERY = 1000

Progress = Callable[[int], None]
"""Called now and then with the number of keys looked at."""


class Kind(StrEnum):
    """How a key differs."""

    ONLY_FIRST = "only_first"
    ONLY_SECOND = "only_second"
    SIZES = "sizes"
    DIGESTS = "digests"


@dataclass(frozen=True, slots=True)
class Difference:
    """One key that is not the same on both; sizes in bytes, digests (SHA-256) only when both were read."""

    key: str
    kind: str
    first: int | None = None
    second: int | None = None
    first_sha256: str | None = None
    second_sha256: str | None = None


@dataclass(slots=True)
class Comparison:
    """What two replicas have in common and where they differ; ``listed`` holds the first differences."""

    first: str
    second: str
    deep: bool
    same: int = 0
    counts: dict[str, int] = field(default_factory=lambda: {str(one): 0 for one in Kind})
    listed: list[Difference] = field(default_factory=list)

    @property
    def differing(self) -> int:
        """How many keys differ."""
        return sum(self.counts.values())

    def as_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        return {**asdict(self), "differing": self.differing}

    def note(self, difference: Difference) -> None:
        """Count one difference and list it while there is room."""
        self.counts[difference.kind] += 1
        if len(self.listed) < LISTED:
            self.listed.append(difference)


def compare(
    archive: Archive, first: str, second: str, *, actor: ActorRef, deep: bool = False, progress: Progress | None = None
) -> Comparison:
    """Compare two stores of the settings, ``deep``: by the bytes of every object; entered in catalogue and ledger.

    ``NotFound`` for an unknown name, ``Invalid`` for a replica with itself; raises what a store raises: a comparison that
    could not be ended says nothing.
    """
    confirm_pair(archive, first, second)
    stores = archive.replicas.store(first), archive.replicas.store(second)
    for store in stores:
        check_marker(store, archive.holding_id)
    started = archive.clock.now()
    found = Comparison(first, second, deep)
    _merge(found, *stores, progress)
    now = archive.clock.now()
    with archive.sessions.begin() as session:
        session.execute(
            insert(ReplicaComparison).values(
                first=first,
                second=second,
                deep=deep,
                same=found.same,
                **found.counts,
                listed={"keys": [asdict(one) for one in found.listed[:50]]},
                actor=actor.id,
                started_at=started,
                finished_at=now,
            )
        )
        counts = {"same": found.same, **found.counts}
        acts.replicas_compared(session, at=now, actor=actor, first=first, second=second, deep=deep, counts=counts)
    return found


def confirm_pair(archive: Archive, first: str, second: str) -> None:
    """``NotFound`` for a name that the settings do not describe, ``Invalid`` for a replica with itself."""
    for name in (first, second):
        if name not in archive.replicas.described:
            raise unknown_replica(archive, name)
    if first == second:
        raise Invalid(
            "replica.same",
            zh=f"副本 {first} 不能与自身比较。请给出两个不同的副本。",
            en=f"Replica {first} cannot be compared with itself. Name two different replicas.",
            replica=first,
        )


def _merge(found: Comparison, first: Store, second: Store, progress: Progress | None) -> None:
    reading: deque[Future[Difference | None]] = deque()
    with ThreadPoolExecutor(_AT_ONCE, "compare") as pool:
        for number, (key, left, right) in enumerate(_pairs(_listed(first), _listed(second)), 1):
            if progress is not None and number % _EVERY == 0:
                progress(number)
            if left is None or right is None or left != right:
                told = _look_again(key, first, second)
                if told is not None:
                    found.note(told)
                    continue
            if not found.deep:
                found.same += 1
                continue
            reading.append(pool.submit(_read, key, first, second))
            if len(reading) >= 4 * _AT_ONCE:
                _settle(found, reading.popleft())
        while reading:
            _settle(found, reading.popleft())


def _settle(found: Comparison, reading: Future[Difference | None]) -> None:
    told = reading.result()
    if told is None:
        found.same += 1
    else:
        found.note(told)


def _listed(store: Store) -> Iterator[Stat]:
    return (one for one in store.list() if not one.key.startswith(_OWN))


def _pairs(left: Iterator[Stat], right: Iterator[Stat]) -> Iterator[tuple[str, int | None, int | None]]:
    """Every key of either listing in the order of its bytes, with the size on each side."""
    here, there = next(left, None), next(right, None)
    while here is not None or there is not None:
        if there is None or (here is not None and here.key < there.key):
            assert here is not None
            yield here.key, here.size, None
            here = next(left, None)
        elif here is None or there.key < here.key:
            yield there.key, None, there.size
            there = next(right, None)
        else:
            yield here.key, here.size, there.size
            here, there = next(left, None), next(right, None)


def _size(store: Store, key: str) -> int | None:
    try:
        return store.head(key).size
    except (NotFound, Invalid):
        return None


def _look_again(key: str, first: Store, second: Store) -> Difference | None:
    left, right = _size(first, key), _size(second, key)
    if left == right:
        return None
    kind = Kind.ONLY_FIRST if right is None else Kind.ONLY_SECOND if left is None else Kind.SIZES
    return Difference(key, str(kind), left, right)


def _read(key: str, first: Store, second: Store) -> Difference | None:
    told = []
    for store in (first, second):
        digest, size = hashlib.sha256(), 0
        for chunk in store.read(key):
            digest.update(chunk)
            size += len(chunk)
        told.append((digest.hexdigest(), size))
    (left, left_size), (right, right_size) = told
    if left == right:
        return None
    return Difference(key, str(Kind.DIGESTS), left_size, right_size, left, right)
