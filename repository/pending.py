"""Writing frozen objects to the replicas, and catching up a replica that was away.

A transaction freezes an object (``revisions.freeze``, ``ledger.seal``) or registers a bag; this module brings it to
every replica that does not confirm it yet. Every job calls it; calling it twice, or in two processes, is harmless,
because a create of the same bytes succeeds.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from metadata.errors import Conflict, LantaiError, NotFound, Unavailable
from repository.alarms import AlarmKind, raise_alarm
from repository.archive import Archive
from repository.storage.base import Store
from repository.tables import LedgerBlock, Replica, ReplicaObject, StoredObject

_THREADS = 8
_BATCH = 500


@dataclass(frozen=True, slots=True)
class _Task:
    key: str
    sha256: str
    body: bytes | None


def write_pending_objects(archive: Archive, limit: int = 1000) -> int:
    """Write up to ``limit`` waiting objects to each replica; returns how many writes were confirmed.

    A replica that does not answer is passed over: its objects go on waiting. An object whose key holds other bytes
    there is ``Conflict``, raised after the others were confirmed: writing must stop until a person has looked.
    """
    confirmed = 0
    conflict: Conflict | None = None
    for name in archive.replicas.names:
        done, clash = _write_to(archive, name, limit)
        confirmed += done
        conflict = conflict or clash
        if clash is not None:
            _tell(archive, name, clash)
    if conflict is not None:
        raise conflict
    return confirmed


def _tell(archive: Archive, name: str, clash: Conflict) -> None:
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


def _write_to(archive: Archive, name: str, limit: int) -> tuple[int, Conflict | None]:
    done, after, conflict = 0, "", None
    while done < limit:
        with archive.reading() as session:
            if session.scalar(select(Replica.state).where(Replica.name == name)) != "active":
                break
            tasks = _waiting(session, name, min(_BATCH, limit - done), after)
        if not tasks:
            break
        after = tasks[-1].key
        written, problem = _write_batch(archive, name, tasks)
        if written:
            with archive.sessions.begin() as session:
                session.execute(
                    update(ReplicaObject)
                    .where(ReplicaObject.replica == name, ReplicaObject.key.in_(written))
                    .values(written_at=archive.clock.now())
                )
        done += len(written)
        if isinstance(problem, Conflict):
            conflict = conflict or problem
        elif problem is not None:
            break
    return done, conflict


def _waiting(session: Session, name: str, count: int, after: str) -> list[_Task]:
    """The next objects that ``name`` lacks; a block's bytes lie in its own table, a bag has none here."""
    rows = session.execute(
        select(StoredObject.key, StoredObject.sha256, StoredObject.body, LedgerBlock.body)
        .join(ReplicaObject, ReplicaObject.key == StoredObject.key)
        .outerjoin(LedgerBlock, LedgerBlock.key == StoredObject.key)
        .where(ReplicaObject.replica == name, ReplicaObject.written_at.is_(None), StoredObject.key > after)
        .order_by(StoredObject.key)
        .limit(count)
    )
    return [_Task(key, sha256, body if body is not None else block) for key, sha256, body, block in rows]


def _write_batch(archive: Archive, name: str, tasks: Sequence[_Task]) -> tuple[list[str], LantaiError | None]:
    """Keys that the replica confirmed, and the first thing that went wrong."""
    store = archive.replicas.store(name)

    def write(task: _Task) -> LantaiError | None:
        try:
            if task.body is not None:
                store.create(task.key, [task.body], expect=task.sha256)
            else:
                _copy_from_another(archive, store, task)
        except (Conflict, Unavailable, NotFound) as error:
            return error
        return None

    with ThreadPoolExecutor(min(_THREADS, len(tasks)), thread_name_prefix=f"pending-{name}") as pool:
        outcomes = list(pool.map(write, tasks))
    written = [task.key for task, error in zip(tasks, outcomes, strict=True) if error is None]
    faults = [error for error in outcomes if error is not None]
    conflicts = [error for error in faults if isinstance(error, Conflict)]
    away = [error for error in faults if isinstance(error, Unavailable)]
    return written, next(iter([*away, *conflicts]), None)


def _copy_from_another(archive: Archive, store: Store, task: _Task) -> None:
    """Bring a bag from the first replica that confirmed it and whose bytes still match the recorded digest."""
    with archive.reading() as session:
        holders = session.scalars(
            select(ReplicaObject.replica)
            .where(
                ReplicaObject.key == task.key,
                ReplicaObject.written_at.is_not(None),
                ReplicaObject.replica != store.name,
            )
            .order_by(ReplicaObject.replica)
        ).all()
    problem: LantaiError = NotFound(
        "pending.no_source",
        zh=f"没有任何副本保存 {task.key}，无法补写到副本 {store.name}。请运行固定性检查。",
        en=f"No replica holds {task.key}, so it cannot be brought to replica {store.name}. Run a fixity audit.",
        key=task.key,
        replica=store.name,
    )
    for holder in holders:
        if holder not in archive.replicas.names:
            continue
        try:
            store.create(task.key, archive.replicas.store(holder).read(task.key), expect=task.sha256)
        except (Conflict, NotFound, Unavailable) as error:
            problem = error  # of either side: the next holder may give the bytes, or fail alike
        else:
            return
    raise problem
