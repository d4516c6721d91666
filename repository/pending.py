"""Writing frozen objects to the replicas, and catching up a replica that was away.

A transaction freezes an object (``revisions.freeze``, ``ledger.seal``) or registers a bag; this module brings it to
every replica that does not confirm it yet. Every job calls it; calling it twice, or in two processes, is harmless,
because a create of the same bytes succeeds. Tombstones come first, then the ledger, then everything else; what a
tombstone forbids is not brought at all.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from sqlalchemy import ColumnElement, delete, func, select, update
from sqlalchemy.orm import Session

from metadata.errors import Conflict, LantaiError, NotFound, Unavailable
from repository.alarms import AlarmKind, raise_alarm
from repository.archive import Archive
from repository.storage import layout
from repository.storage.base import Store
from repository.storage.replicas import ACTIVE
from repository.tables import LedgerBlock, Replica, ReplicaObject, StoredObject

_THREADS = 8
_BATCH = 500
_FIRST = ("tombstone",)
_SECOND = ("ledger_key", "block", "checkpoint", "document", "profile")
_TURNS: tuple[ColumnElement[bool], ...] = (
    StoredObject.kind.in_(_FIRST),
    StoredObject.kind.in_(_SECOND),
    StoredObject.kind.not_in((*_FIRST, *_SECOND)),
)
_DESTROYED_WITH = frozenset({"bag", "description", "case_file", "evidence"})
_OF_ONE_OBJECT = frozenset({"store.io_error", "store.failed_inside", "store.denied", "store.link"})
"""Why one object cannot be read while its replica answers."""
_WORTH = {"intact": 0, None: 1}
"""Which holder is asked first: one whose bytes were re-read, one that was never re-read, then any other."""


@dataclass(frozen=True, slots=True)
class _Task:
    key: str
    kind: str
    sha256: str
    size: int
    body: bytes | None


@dataclass(slots=True)
class CaughtUp:
    """What one replica took. ``clashes``: keys under which it holds other bytes, with the first of the errors.

    ``trouble`` ended the work: the replica does not answer or is full, or the one that should give the bytes is away.
    ``unsourced``: objects that are lost or damaged wherever they should be.
    """

    objects: int = 0
    size: int = 0
    clashes: list[str] = field(default_factory=list)
    conflict: Conflict | None = None
    unsourced: int = 0
    trouble: LantaiError | None = None


class _NoSource(Exception):
    """No replica gives the bytes of an object; ``away``: a replica that should does not answer at all."""

    def __init__(self, reason: LantaiError, *, away: bool) -> None:
        super().__init__(reason.code)
        self.reason = reason
        self.away = away


class _SourceFailed(Exception):
    """The holder that was read failed, not the replica that is written."""

    def __init__(self, reason: LantaiError) -> None:
        super().__init__(reason.code)
        self.reason = reason


def write_pending_objects(archive: Archive, limit: int = 1000) -> int:
    """Write up to ``limit`` waiting objects to each active replica; returns how many writes were confirmed.

    A replica that does not answer is passed over: its objects go on waiting. An object whose key holds other bytes
    there is ``Conflict``, raised after the others were confirmed: writing must stop until a person has looked.
    """
    confirmed = 0
    conflict: Conflict | None = None
    for name in archive.replicas.names:
        with archive.reading() as session:
            if session.scalar(select(Replica.state).where(Replica.name == name)) != ACTIVE:
                continue
        found = catch_up(archive, name, limit)
        confirmed += found.objects
        conflict = conflict or found.conflict
        if found.conflict is not None:
            tell_of_conflict(archive, name, found.conflict)
    if conflict is not None:
        raise conflict
    return confirmed


def tell_of_conflict(archive: Archive, name: str, clash: Conflict) -> None:
    """Have a person look at what the replica holds under one of our keys."""
    with archive.sessions.begin() as session:
        detail = {"code": clash.code, "zh": clash.zh, "en": clash.en}
        raise_alarm(session, archive=archive, kind=AlarmKind.REPLICA_CONFLICT, subject=name, detail=detail)


def count_pending(session: Session) -> dict[str, int]:
    """How many objects each replica still lacks."""
    counted = session.execute(
        select(ReplicaObject.replica, func.count())
        .where(ReplicaObject.written_at.is_(None))
        .group_by(ReplicaObject.replica)
    )
    return dict(counted.tuples().all())


def catch_up(archive: Archive, name: str, limit: int) -> CaughtUp:
    """Bring up to ``limit`` objects that replica ``name`` lacks to it, whatever its state; what stopped it is in the answer."""
    found = CaughtUp()
    for turn in _TURNS:
        after = ""
        while found.objects < limit and found.trouble is None:
            with archive.reading() as session:
                tasks = _waiting(session, name, turn, min(_BATCH, limit - found.objects), after)
                destroyed = _destroyed(session, tasks)
            if not tasks:
                break
            after = tasks[-1].key
            wanted = [one for one in tasks if one.key not in destroyed]
            written = _write_batch(archive, name, wanted, found) if wanted else []
            with archive.sessions.begin() as session:
                mine = ReplicaObject.replica == name
                if destroyed:
                    session.execute(delete(ReplicaObject).where(mine, ReplicaObject.key.in_(destroyed)))
                session.execute(
                    update(ReplicaObject)
                    .where(mine, ReplicaObject.key.in_([one.key for one in written]))
                    .values(written_at=archive.clock.now())
                )
            found.objects += len(written)
            found.size += sum(one.size for one in written)
    return found


def _waiting(session: Session, name: str, turn: ColumnElement[bool], count: int, after: str) -> list[_Task]:
    """The next objects that ``name`` lacks; a block's bytes lie in its own table, a bag has none here."""
    rows = session.execute(
        select(
            StoredObject.key,
            StoredObject.kind,
            StoredObject.sha256,
            StoredObject.size,
            StoredObject.body,
            LedgerBlock.body.label("block"),
        )
        .join(ReplicaObject, ReplicaObject.key == StoredObject.key)
        .outerjoin(LedgerBlock, LedgerBlock.key == StoredObject.key)
        .where(ReplicaObject.replica == name, ReplicaObject.written_at.is_(None), ReplicaObject.key > after, turn)
        .order_by(ReplicaObject.key)
        .limit(count)
    )
    return [
        _Task(row.key, row.kind, row.sha256, row.size, row.body if row.body is not None else row.block) for row in rows
    ]


def _destroyed(session: Session, tasks: Sequence[_Task]) -> set[str]:
    """Keys among ``tasks`` of records and case files that a tombstone says are destroyed: these are brought nowhere."""
    owners: dict[str, str] = {}
    for one in tasks:
        if one.kind in _DESTROYED_WITH:
            info = layout.parse(one.key)
            if owner := info.record_id if info.kind != "case_file" else info.subject_id:
                owners[one.key] = layout.tombstone_key(owner)
    if not owners:
        return set()
    stones = set(session.scalars(select(StoredObject.key).where(StoredObject.key.in_(set(owners.values())))))
    return {key for key, stone in owners.items() if stone in stones}


def _write_batch(archive: Archive, name: str, tasks: Sequence[_Task], found: CaughtUp) -> list[_Task]:
    """The objects that the replica confirmed; what went wrong goes into ``found``."""
    store = archive.replicas.store(name)
    with archive.reading() as session:
        holders = _holders(session, [one.key for one in tasks if one.body is None], name)

    def write(task: _Task) -> LantaiError | _NoSource | None:
        if found.trouble is not None:
            return found.trouble
        try:
            if task.body is not None:
                store.create(task.key, [task.body], expect=task.sha256)
            else:
                _copy_from_another(archive, store, task, holders.get(task.key, ()))
        except Unavailable as error:
            found.trouble = error
            return error
        except _NoSource as error:
            found.trouble = found.trouble or (error.reason if error.away else None)
            return error
        except LantaiError as error:
            return error
        return None

    with ThreadPoolExecutor(min(_THREADS, len(tasks)), thread_name_prefix=f"pending-{name}") as pool:
        outcomes = list(pool.map(write, tasks))
    written = [task for task, error in zip(tasks, outcomes, strict=True) if error is None]
    found.unsourced += sum(isinstance(error, _NoSource) and not error.away for error in outcomes)
    for task, error in zip(tasks, outcomes, strict=True):
        if isinstance(error, Conflict):
            found.clashes.append(task.key)
            found.conflict = found.conflict or error
        elif isinstance(error, LantaiError) and not isinstance(error, Unavailable):
            found.trouble = found.trouble or error
    return written


def _holders(session: Session, keys: Sequence[str], name: str) -> Mapping[str, Sequence[str]]:
    """Who confirmed each object, the most trustworthy first."""
    if not keys:
        return {}
    rows = session.execute(
        select(ReplicaObject.key, ReplicaObject.replica, ReplicaObject.outcome)
        .where(ReplicaObject.key.in_(keys), ReplicaObject.written_at.is_not(None), ReplicaObject.replica != name)
        .order_by(ReplicaObject.replica)
    ).all()
    holders: dict[str, list[str]] = {}
    for row in sorted(rows, key=lambda one: _WORTH.get(one.outcome, 2)):
        holders.setdefault(row.key, []).append(row.replica)
    return holders


def _copy_from_another(archive: Archive, store: Store, task: _Task, holders: Sequence[str]) -> None:
    """Bring an object from the first replica that confirmed it and whose bytes still match the recorded digest.

    ``_NoSource`` when none gives them; what the replica that is written says is raised as it is.
    """
    problem: LantaiError = NotFound(
        "pending.no_source",
        zh=f"没有任何副本保存 {task.key}，无法补写到副本 {store.name}。请运行固定性检查。",
        en=f"No replica holds {task.key}, so it cannot be brought to replica {store.name}. Run a fixity audit.",
        key=task.key,
        replica=store.name,
    )
    used, away = archive.replicas.names, False
    for holder in holders:
        if holder not in used:
            continue
        try:
            store.create(task.key, _read(archive.replicas.store(holder), task.key), expect=task.sha256)
        except _SourceFailed as error:
            problem = error.reason
            away = away or (isinstance(problem, Unavailable) and problem.code not in _OF_ONE_OBJECT)
        except Conflict as error:
            if error.code != "store.not_as_expected":
                raise
            problem = error
        else:
            return
    raise _NoSource(problem, away=away)


def _read(store: Store, key: str) -> Iterator[bytes]:
    try:
        yield from store.read(key)
    except LantaiError as error:
        raise _SourceFailed(error) from error
