"""Whether the stores know more than a restored database: then nothing may be written until it has caught up.

New blocks and revisions would get numbers that are taken. The sign that writing is stopped stands in the database, so
that every process of the site sees it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from metadata.errors import LantaiError
from repository.archive import Archive
from repository.db import by_bytes
from repository.ledger.checkpoints import newest_blocks
from repository.storage import layout
from repository.storage.base import Store
from repository.storage.failures import not_described
from repository.storage.replicas import RETIRED
from repository.tables import Counter, RecordPlan, Replica, StoredObject

STOPPED = "restore.writing_stopped"
_OWN = frozenset({"marker", "evidence", "unknown"})
_NAMED = 20


@dataclass
class Ahead:
    """What the stores hold that the database does not know.

    ``blocks``: replica -> stream -> (last block in the database, last block in the store), where the store's is later;
    ``objects``: replica -> how many other objects, the first of them in ``named``; ``not_compared``: replica -> why.
    """

    blocks: dict[str, dict[str, tuple[int, int]]] = field(default_factory=dict)
    objects: dict[str, int] = field(default_factory=dict)
    named: list[str] = field(default_factory=list)
    not_compared: dict[str, LantaiError] = field(default_factory=dict)

    @property
    def any(self) -> bool:
        """Whether some store knows more."""
        return bool(self.blocks or self.objects)

    @property
    def stops(self) -> bool:
        """Whether writing must stop: a store knows more, or one could not be asked."""
        return self.any or bool(self.not_compared)

    def as_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        return {
            "ahead": self.any,
            "blocks": {
                replica: {stream: {"database": here, "store": there} for stream, (here, there) in streams.items()}
                for replica, streams in self.blocks.items()
            },
            "objects": self.objects,
            "named": self.named,
            "not_compared": {replica: error.code for replica, error in self.not_compared.items()},
        }


def compare(session: Session, archive: Archive) -> Ahead:
    """Walk every store's listing beside the catalogue's; memory does not grow with either."""
    found = Ahead()
    known = newest_blocks(session)
    for store in archive.replicas.stores:
        try:
            _compare_one(session, store, known, found)
        except LantaiError as error:
            found.not_compared[store.name] = error
    used = select(Replica.name).where(Replica.state != RETIRED).order_by(Replica.name)
    for name in session.scalars(used):
        if name not in archive.replicas.described:
            found.not_compared[name] = not_described([name])
    return found


def _compare_one(session: Session, store: Store, known: Mapping[str, int], found: Ahead) -> None:
    last: dict[str, int] = {}
    others = 0
    for key in _unknown(session, store):
        info = layout.parse(key)
        if info.kind == "block" and info.name and info.number:
            last[info.name] = max(last.get(info.name, 0), info.number)
        elif info.kind not in _OWN and not (info.kind == "bag" and _on_its_way(session, info.record_id)):
            others += 1
            if len(found.named) < _NAMED and key not in found.named:
                found.named.append(key)
    if others:
        found.objects[store.name] = others
    later = {stream: (known.get(stream, 0), number) for stream, number in last.items()}
    if later:
        found.blocks[store.name] = later


def _on_its_way(session: Session, record_id: str | None) -> bool:
    """Whether a deposit is being stored whose bag this is: carrying it on writes the same bytes."""
    wanted = (RecordPlan.record_id == record_id, RecordPlan.state != "accessioned")
    return session.scalar(select(RecordPlan.record_id).where(*wanted)) is not None


def _unknown(session: Session, store: Store) -> Iterator[str]:
    """Keys that the store lists and the catalogue does not; both come in the order of the keys' bytes."""
    column = by_bytes(session, StoredObject.key)
    ours = iter(session.execute(select(StoredObject.key).order_by(column).execution_options(yield_per=5000)).scalars())
    present = next(ours, None)
    for stat in store.list():
        while present is not None and present.encode() < stat.key.encode():
            present = next(ours, None)
        if present != stat.key:
            yield stat.key


def stop_writing(session: Session) -> None:
    """Nothing opens this site's database for work from now on."""
    session.merge(Counter(name=STOPPED, value=1))


def allow_writing(session: Session) -> None:
    """The database has caught up."""
    session.execute(delete(Counter).where(Counter.name == STOPPED))


def is_stopped(session: Session) -> bool:
    """Whether the stores were ahead when this database was restored, and it has not caught up since."""
    return session.scalar(select(Counter.value).where(Counter.name == STOPPED)) is not None
