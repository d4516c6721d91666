"""A replica that holds other bytes under one of our keys: the others are written, and a person is told."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from metadata.errors import Conflict
from metadata.identifiers import new_id
from repository import revisions
from repository.archive import Archive
from repository.ledger.acts import ActorRef
from repository.pending import write_pending_objects
from repository.storage import layout
from repository.tables import Alarm, ReplicaObject

ACTOR = ActorRef("console:tester", "console")


def test_other_bytes_on_a_replica_raise_one_alarm_and_hold_up_no_other_replica(archive: Archive) -> None:
    entity_id = new_id()
    key = layout.entity_key("organ", entity_id, 1)
    first, *others = archive.replicas.names
    archive.replicas.store(first).create(key, [b"of somebody else"])
    with archive.sessions.begin() as session:
        revisions.revise_entity(
            session, archive=archive, actor=ACTOR, kind="organ", entity_id=entity_id, state={"name_zh": "甲"}
        )
    for times in (1, 2):
        with pytest.raises(Conflict):
            write_pending_objects(archive)
        with archive.reading() as session:
            alarm = session.scalars(select(Alarm)).one()
            assert (alarm.kind, alarm.subject, alarm.times) == ("replica_conflict", first, times)
            assert key in alarm.detail["en"]
    with archive.reading() as session:
        wanted = select(ReplicaObject.replica).where(ReplicaObject.key == key, ReplicaObject.written_at.is_not(None))
        assert list(session.scalars(wanted)) == others
    assert b"".join(archive.replicas.store(first).read(key)) == b"of somebody else"
