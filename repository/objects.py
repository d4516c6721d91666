"""Catalogue rows of objects: what must come to lie on every replica, and where it lies already."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from repository.clock import Clock
from repository.storage import failures
from repository.storage.replicas import ACTIVE, RETIRED, Replicas
from repository.tables import Replica, ReplicaObject, StoredObject

_IN_FULL_USE = select(Replica.name, Replica.state, Replica.required).order_by(Replica.name)


def in_use(session: Session) -> list[str]:
    """Names of the replicas that every new object must come to: all that are not retired."""
    return list(session.scalars(select(Replica.name).where(Replica.state != RETIRED).order_by(Replica.name)))


def counting(session: Session, replicas: Replicas) -> set[str]:
    """The replicas in full use that a write must be confirmed by, as far as ``confirmations`` asks for all."""
    rows = session.execute(_IN_FULL_USE)
    return replicas.counting({name: required for name, state, required in rows if state == ACTIVE})


def confirmed(session: Session, replicas: Replicas, written: Mapping[str, Collection[str]]) -> None:
    """Prove that enough replicas in use have each of the objects ``written`` (key -> replicas), until the commit.

    ``Unavailable`` (``replicas.left_meanwhile``): one that confirmed was retired, or one joined; writing again is harmless.
    """
    rows = session.execute(_IN_FULL_USE.with_for_update(read=True))
    active = {name: required for name, state, required in rows if state == ACTIVE}
    for key, names in written.items():
        if active and not replicas.enough(names, active):
            raise failures.left_meanwhile(key)


@dataclass(frozen=True, slots=True)
class NewObject:
    """An object for ``register_many``: ``written`` names the replicas that confirmed it."""

    key: str
    kind: str
    sha256: str
    size: int
    record_id: str | None = None
    body: bytes | None = None
    written: Collection[str] = ()


def register_many(session: Session, *, clock: Clock, objects: Iterable[NewObject]) -> int:
    """Insert the catalogue rows of many objects: one StoredObject each, one ReplicaObject per replica in use.

    Replicas in ``written`` get the present moment as ``written_at``; the others stay to be written. The catalogue says
    which replicas are in use, so that one that joined or left while a process runs is not overlooked by it.
    """
    now = clock.now()
    rows = list(objects)
    if not rows:
        return 0
    names = in_use(session)
    session.execute(
        insert(StoredObject),
        [
            {
                "key": row.key,
                "kind": row.kind,
                "record_id": row.record_id,
                "sha256": row.sha256,
                "size": row.size,
                "body": row.body,
                "created_at": now,
            }
            for row in rows
        ],
    )
    session.execute(
        insert(ReplicaObject),
        [
            {"replica": name, "key": row.key, "written_at": now if name in row.written else None}
            for row in rows
            for name in names
        ],
    )
    return len(rows)


def register(
    session: Session,
    *,
    clock: Clock,
    key: str,
    kind: str,
    sha256: str,
    size: int,
    record_id: str | None = None,
    body: bytes | None = None,
    written: Iterable[str] = (),
) -> None:
    """``register_many`` for one object."""
    one = NewObject(key, kind, sha256, size, record_id=record_id, body=body, written=frozenset(written))
    register_many(session, clock=clock, objects=[one])
