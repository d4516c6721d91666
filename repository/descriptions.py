"""Revisions of a record's description read back: what was changed when, and by whom.

Revision 0 is the description as accessioned; it stands in the bag. Later ones are objects of their own, read from the
database while they wait to be written, else from a replica by their digest.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from metadata.errors import LantaiError, NotFound
from repository.archive import Archive
from repository.bag.read import directory, read_member
from repository.bag.record_json import PATH, RecordJson
from repository.clock import parse_stamp
from repository.storage import layout
from repository.storage.replicas import no_intact_copy
from repository.tables import Record, RecordVersion, StoredObject


@dataclass(frozen=True, slots=True)
class DescriptionRevision:
    """One state of a description: ``number`` 0 is that of the accession, where nobody is named."""

    number: int
    at: datetime
    actor_id: str
    description: dict[str, Any]


def revision_of(session: Session, archive: Archive, record: Record, number: int) -> DescriptionRevision:
    """The description of ``record`` as revision ``number`` left it.

    ``NotFound`` for a number that was never given; ``Unavailable`` when no replica can give the bytes now.
    """
    if number == 0:
        return DescriptionRevision(0, record.created_at, "", _accessioned(session, archive, record))
    key = layout.description_key(record.id, number) if number > 0 else ""
    row = session.scalars(select(StoredObject).where(StoredObject.key == key)).one_or_none()
    if row is None:
        raise NotFound(
            "record.no_such_revision",
            zh="这件档案的著录没有这次修订。请从修订列表中选择。",
            en="The description of this record has no such revision. Choose one from the list.",
        )
    data = row.body if row.body is not None else archive.replicas.read_any(key, row.sha256)
    body = json.loads(data)
    return DescriptionRevision(number, parse_stamp(body["at"]), str(body["actor"]["id"]), dict(body["description"]))


def _accessioned(session: Session, archive: Archive, record: Record) -> dict[str, Any]:
    if record.description_revision == 0:
        return dict(record.description)
    first = session.get(RecordVersion, (record.id, 1))
    key = first.object_key if first else ""
    for store in archive.replicas.stores:
        try:
            place = next(one for one in directory(store, key) if one.path == PATH)
            return dict(RecordJson.from_bytes(b"".join(read_member(store, key, place.offset, place.size))).description)
        except (LantaiError, StopIteration):  # another replica may have it whole
            continue
    raise no_intact_copy(key)
