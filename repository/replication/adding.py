"""A store joins the holding as a replica: its place is looked at, marked, and entered in the catalogue as ``filling``."""

from __future__ import annotations

from itertools import islice

from sqlalchemy.orm import Session

from metadata.errors import Conflict, Unavailable
from repository.archive import Archive
from repository.holding import check_marker, initialise_store
from repository.ledger import acts
from repository.ledger.acts import ActorRef
from repository.storage.base import Store
from repository.storage.replicas import ACTIVE, FILLING, RETIRED
from repository.tables import Replica, ReplicaFill


def add_replica(
    session: Session, *, archive: Archive, actor: ActorRef, store: Store, location: str, required: bool
) -> bool:
    """Enter ``store`` as a replica that is being filled: marker, documents, rows, ledger entry; False when it is one already.

    The place was made ready (``prepare``) and looked at (``refuse_when_taken``). Can be repeated after a crash.
    ``Conflict`` when the place belongs to another holding or replica, or the name was used before
    (``replica.name_used``); nothing was written then.
    """
    known = session.get(Replica, store.name)
    if known is not None and known.state == RETIRED:
        raise _name_used(store.name)
    if known is not None and known.state in {ACTIVE, FILLING}:
        return False
    now = archive.clock.now()
    session.add(
        Replica(name=store.name, kind=store.kind, location=location, required=required, state=FILLING, added_at=now)
    )
    session.flush()
    session.add(ReplicaFill(replica=store.name, actor=actor.id, started_at=now, updated_at=now))
    initialise_store(session, archive=archive, store=store)
    acts.replica_added(
        session, at=now, actor=actor, replica=store.name, kind=store.kind, required=required, to_fill=True
    )
    return True


def refuse_when_taken(archive: Archive, store: Store) -> None:
    """A place that bears no marker must be empty: another program's files are never mixed with the holding's.

    Asks the store, which may take its time, and so belongs before the transaction. ``Conflict`` (``replica.not_empty``)
    otherwise, or when the place belongs to another holding or replica.
    """
    try:
        check_marker(store, archive.holding_id)
    except Unavailable as error:
        if error.code != "holding.no_marker":
            raise
        found = list(islice(store.list(), 1))
        if found:
            raise Conflict(
                "replica.not_empty",
                zh=f"存储“{store.name}”的位置不是空的（例如 {found[0].key}），没有写入任何内容。请为副本指定一个空的文件夹或前缀。",
                en=f"The place of store {store.name} is not empty ({found[0].key}, for one); nothing was written. Give the replica an empty folder or prefix.",
                store=store.name,
                key=found[0].key,
            ) from error


def _name_used(name: str) -> Conflict:
    return Conflict(
        "replica.name_used",
        zh=f"副本名 {name} 曾经用过，该副本已停用，没有作任何改动。请给新的副本起一个新名字和一个空的位置。",
        en=f"There was a replica {name} once; it is retired and nothing was changed. Give the new replica a new name and an empty place.",
        replica=name,
    )
