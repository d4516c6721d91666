"""The inventory compares names and sizes both ways and knows what is still on its way."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import delete, func, insert, select, update

from metadata.identifiers import new_id
from repository.archive import Archive
from repository.clock import FixedClock
from repository.fixity import Outcome, audit, inventory, open_incidents
from repository.ledger.checkpoints import write_checkpoint
from repository.status import status
from repository.storage import layout
from repository.tables import Incident, RecordPlan, Replica, ReplicaObject, StoredObject

from .conftest import OFFICER, StoreRecord, folder_of


def test_everything_is_where_it_should_be(archive: Archive, store_record: StoreRecord) -> None:
    for _ in range(3):
        store_record()
    results = inventory(archive, actor=OFFICER)
    assert results == []
    assert results.exit_code == 0
    assert results.total("listed") >= 6
    with archive.reading() as session:
        assert None not in session.scalars(select(Replica.inventoried_at)).all()


def test_missing_and_unexpected_and_of_another_size(archive: Archive, store_record: StoreRecord) -> None:
    gone, long = store_record(), store_record()
    root = folder_of(archive, "a")
    (root / gone).unlink()
    with (root / long).open("ab") as out:
        out.write(b"!")
    foreign = layout.bag_key(new_id(), 1)
    (root / foreign).parent.mkdir(parents=True)
    (root / foreign).write_bytes(b"PK")
    (root / "r" / "文件.txt").write_bytes(b"not even a key")
    results = inventory(archive, actor=OFFICER)
    assert {(one.key, one.outcome) for one in results} == {
        (gone, Outcome.MISSING),
        (long, Outcome.DAMAGED),
        (foreign, Outcome.UNEXPECTED),
        ("r/文件.txt", Outcome.UNEXPECTED),
    }
    again = inventory(archive, actor=OFFICER)
    assert {one.incident_id for one in again} == {one.incident_id for one in results}
    with archive.reading() as session:
        assert session.scalar(select(func.count()).select_from(Incident)) == 4
    (root / foreign).unlink()
    inventory(archive, actor=OFFICER)
    with archive.reading() as session:
        assert foreign not in {one.key for one in open_incidents(session)}


def test_a_full_audit_names_what_nobody_registered(archive: Archive, store_record: StoreRecord) -> None:
    key = store_record()
    root = folder_of(archive, "b")
    (root / "r" / "stray.zip").write_bytes(b"PK")
    (root / key).unlink()
    results = audit(archive, actor=OFFICER)
    assert {(one.key, one.outcome) for one in results} == {
        ("r/stray.zip", Outcome.UNEXPECTED),
        (key, Outcome.MISSING),
    }
    assert results.exit_code == 1
    assert results.total("unexpected") == 1
    assert results.total("missing") == 1
    assert audit(archive, actor=OFFICER, listing=False).total("unexpected") == 0
    with archive.reading() as session:
        assert len(open_incidents(session)) == 2


def test_rows_that_the_catalogue_lost_are_known_from_the_checkpoint(
    archive: Archive, store_record: StoreRecord
) -> None:
    lost, changed, kept = (store_record() for _ in range(3))
    write_checkpoint(archive)
    assert inventory(archive, actor=OFFICER).exit_code == 0
    record_id = layout.parse(lost).record_id
    with archive.sessions.begin() as session:
        session.execute(delete(ReplicaObject).where(ReplicaObject.key == lost))
        session.execute(delete(StoredObject).where(StoredObject.key == lost))
        session.get_one(StoredObject, changed).sha256 = "0" * 64
    (folder_of(archive, "a") / lost).unlink()
    found = {(one.replica, one.key): one for one in inventory(archive, actor=OFFICER)}
    assert found["a", lost].outcome is Outcome.MISSING
    assert found["a", lost].record_id == record_id
    assert found["b", lost].outcome is Outcome.UNEXPECTED
    assert found["a", changed].outcome is Outcome.UNEXPECTED
    assert found["a", changed].detail["catalogue_sha256"] == "0" * 64
    assert kept not in {key for _replica, key in found}
    assert {one.incident_id for one in inventory(archive, actor=OFFICER)} == {one.incident_id for one in found.values()}


def test_work_in_progress_is_a_stray(archive: Archive) -> None:
    record_id = new_id()
    key = layout.bag_key(record_id, 1)
    archive.replicas.create_bytes(key, b"PK")
    with archive.sessions.begin() as session:
        session.execute(
            insert(RecordPlan),
            [{"record_id": record_id, "submission_id": new_id(), "position": 0, "state": "frozen", "spec": {}}],
        )
    results = inventory(archive, actor=OFFICER)
    assert results == []
    assert results.total("stray") == 2
    found = status(archive)
    assert found["strays"] == 2
    assert {one["replica"] for one in found["stray_objects"]} == {"a", "b"}


def test_objects_that_wait_too_long_make_the_replica_stale(
    archive: Archive, store_record: StoreRecord, clock: FixedClock
) -> None:
    key = store_record()
    with archive.sessions.begin() as session:
        session.execute(
            update(ReplicaObject).where(ReplicaObject.replica == "b", ReplicaObject.key == key).values(written_at=None)
        )
    (folder_of(archive, "b") / key).unlink()
    assert inventory(archive, actor=OFFICER).exit_code == 0
    clock.moment += timedelta(hours=25)
    results = inventory(archive, actor=OFFICER)
    assert results.total("stale") == 1
    assert results.exit_code == 1
    with archive.reading() as session:
        assert open_incidents(session) == []


def test_a_replica_that_is_away_is_not_checked(archive: Archive, store_record: StoreRecord) -> None:
    store_record()
    root = folder_of(archive, "b")
    root.rename(root.with_name("elsewhere"))
    results = inventory(archive, actor=OFFICER)
    assert results.exit_code == 2
    with archive.reading() as session:
        assert open_incidents(session) == []
        assert session.get_one(Replica, "b").inventoried_at is None
