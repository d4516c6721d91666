"""What a replica that was away still holds of records destroyed meanwhile: listed as incidents, for disposal to end.

A tombstone that reached a replica long after it was made says that the replica was away while the record was destroyed.
Whatever lies there of that record is named at once, not only when the next inventory comes by. Nothing is removed here.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from sqlalchemy import select

from metadata.errors import LantaiError
from repository.archive import Archive
from repository.fixity.incidents import open_incident
from repository.fixity.outcome import Outcome
from repository.ledger.acts import ActorRef
from repository.storage.base import Stat, Store
from repository.tables import ReplicaObject, StoredObject

LATE = timedelta(minutes=10)
_SYSTEM = ActorRef("system", "system")


def list_destroyed(archive: Archive) -> int:
    """Open incidents for objects of destroyed records on replicas that got the tombstone late; how many are open now.

    Looks only at tombstones that the replica's audit has not read yet, so that each is looked into for about a day. A
    replica that does not answer is looked at another time.
    """
    found = 0
    for name in archive.replicas.names:
        with archive.reading() as session:
            rows = session.execute(
                select(StoredObject.record_id, ReplicaObject.written_at, StoredObject.created_at)
                .join(ReplicaObject, ReplicaObject.key == StoredObject.key)
                .where(StoredObject.kind == "tombstone", StoredObject.record_id.is_not(None))
                .where(ReplicaObject.replica == name, ReplicaObject.checked_at.is_(None))
                .where(ReplicaObject.written_at.is_not(None))
            ).all()
        late = [row.record_id for row in rows if row.written_at - row.created_at > LATE]
        for owner in late:
            try:
                left = list(_left_of(archive.replicas.store(name), owner))
            except LantaiError:
                break
            found += len(left)
            if left:
                _open(archive, name, owner, left)
    return found


def _left_of(store: Store, owner: str) -> Iterator[Stat]:
    """Every object of a record or case file that the store holds."""
    spread = f"{owner[:2]}/{owner[2:4]}/{owner}/"
    for prefix in (f"r/{spread}", f"c/{spread}", f"evidence/{owner}/"):
        yield from store.list(prefix)


def _open(archive: Archive, replica: str, owner: str, left: list[Stat]) -> None:
    now = archive.clock.now()
    with archive.sessions.begin() as session:
        for one in left:
            open_incident(
                session,
                at=now,
                actor=_SYSTEM,
                replica=replica,
                key=one.key[:200],
                fault=Outcome.STALE,
                record_id=owner,
                detail={"size": one.size, "destroyed_elsewhere": True},
            )
