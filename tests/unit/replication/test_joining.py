"""A replica joins: filled from good bytes, read back, and only then counted."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from metadata import digests
from metadata.errors import Conflict, NotFound, Unavailable
from metadata.identifiers import new_id
from repository import pending
from repository.archive import Archive
from repository.clock import FixedClock
from repository.fixity import audit, repair
from repository.ledger import seal
from repository.objects import register
from repository.replication import (
    Step,
    add_replica,
    close_gaps,
    fill,
    filling,
    list_destroyed,
    refuse_when_taken,
    report,
    retire_replica,
)
from repository.storage import layout
from repository.storage.base import Written
from repository.storage.local import LocalStore
from repository.storage.replicas import Replicas
from repository.tables import Incident, LedgerEntry, Replica, ReplicaFill, ReplicaObject
from tests.unit.fixity.conftest import StoreRecord, folder_of
from tests.unit.replication.conftest import OFFICER, filled

Join = Callable[[], bool]


@pytest.fixture(autouse=True)
def states(archive: Archive) -> dict[str, str]:
    """The replicas' states, asked of the catalogue at every look."""

    def look() -> Mapping[str, str]:
        with archive.reading() as session:
            return dict(session.execute(select(Replica.name, Replica.state)).tuples().all())

    archive.replicas._states = look
    return {}


class Noting(LocalStore):
    """A folder that remembers in which order it was written."""

    def __init__(self, name: str, root: Path) -> None:
        super().__init__(name, root)
        self.written: list[str] = []

    def create(self, key: str, chunks: Iterable[bytes | memoryview], *, expect: str | None = None) -> Written:
        self.written.append(key)
        return super().create(key, chunks, expect=expect)


def _listing(store: LocalStore) -> dict[str, int]:
    return {one.key: one.size for one in store.list() if not one.key.startswith(("holding/", "evidence/"))}


def _state(archive: Archive, name: str = "c") -> str:
    with archive.reading() as session:
        return session.scalars(select(Replica.state).where(Replica.name == name)).one()


def _fill_row(archive: Archive) -> ReplicaFill:
    with archive.reading() as session:
        return session.get_one(ReplicaFill, "c")


def _acts(archive: Archive) -> list[str]:
    with archive.reading() as session:
        return list(
            session.scalars(select(LedgerEntry.act).where(LedgerEntry.act.startswith("replica.")).order_by("seq"))
        )


def test_a_replica_is_filled_read_back_and_then_in_use(
    archive: Archive, store_record: StoreRecord, join: Join, third: LocalStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(filling, "LISTED_AT_ONCE", 3)
    monkeypatch.setattr(filling, "COPIED_AT_ONCE", 2)
    for _ in range(5):
        store_record()
    seal.seal(archive)
    assert join()
    assert not join(), "added once"
    assert _state(archive) == "filling"
    assert archive.replicas.names == ("a", "b", "c")
    assert archive.replicas.required == {"a", "b"}, "one that is being filled is not asked to confirm"
    assert filled(archive)[-1] is Step.DONE
    assert _state(archive) == "active"
    assert archive.replicas.required == {"a", "b", "c"}
    assert _listing(third) == _listing(LocalStore("a", folder_of(archive, "a")))
    row = _fill_row(archive)
    assert row.phase == "done"
    assert row.objects == row.copied_objects == row.verified_objects == len(_listing(third))
    assert row.bytes == row.verified_bytes == sum(_listing(third).values())
    assert _acts(archive) == ["replica.added", "replica.filled"]
    assert fill(archive, "c") is Step.DONE


def test_a_fill_that_broke_off_goes_on_and_writes_nothing_twice(
    archive: Archive, store_record: StoreRecord, join: Join, third: LocalStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(filling, "COPIED_AT_ONCE", 2)
    for _ in range(4):
        store_record()
    join()
    for _ in range(4):
        fill(archive, "c")
    inodes = {key: (third.root / key).stat().st_ino for key in _listing(third)}
    assert 2 < len(inodes) < 6 + 2
    assert filled(archive)[-1] is Step.DONE
    assert all((third.root / key).stat().st_ino == inode for key, inode in inodes.items())
    assert _fill_row(archive).copied_objects == len(_listing(third))


def test_records_that_come_in_meanwhile_are_there_too(
    archive: Archive, store_record: StoreRecord, join: Join, third: LocalStore
) -> None:
    store_record()
    join()
    fill(archive, "c")
    key = store_record()
    assert (third.root / key).exists(), "written to the joining replica at once"
    assert filled(archive)[-1] is Step.DONE
    assert key in _listing(third)


def test_a_batch_that_overlooked_the_replica_is_entered_later(
    archive: Archive, store_record: StoreRecord, join: Join, third: LocalStore
) -> None:
    join()
    filled(archive)
    key = store_record()
    (third.root / key).unlink()
    with archive.sessions.begin() as session:
        session.delete(session.get_one(ReplicaObject, ("c", key)))
    with archive.sessions.begin() as session:
        assert close_gaps(session) == 1
    assert pending.write_pending_objects(archive) == 1
    assert key in _listing(third)


def test_damaged_bytes_are_never_copied(archive: Archive, store_record: StoreRecord, join: Join) -> None:
    key = store_record()
    path = folder_of(archive, "a") / key
    path.write_bytes(path.read_bytes()[:-1] + b"?")
    join()
    assert filled(archive)[-1] is Step.DONE
    assert (folder_of(archive, "c") / key).read_bytes() == (folder_of(archive, "b") / key).read_bytes()


def test_an_object_lost_everywhere_keeps_no_replica_out_once_that_is_known(
    archive: Archive, store_record: StoreRecord, join: Join
) -> None:
    key, other = store_record(), store_record()
    for name in ("a", "b"):
        (folder_of(archive, name) / key).unlink()
    join()
    assert filled(archive)[-1] is Step.WAITING
    assert (_fill_row(archive).trouble or {})["code"] == "replica.not_given"
    audit(archive, actor=OFFICER, replicas=["a", "b"])
    assert filled(archive)[-1] is Step.DONE
    assert (folder_of(archive, "c") / other).exists()
    with archive.reading() as session:
        body = session.scalars(select(LedgerEntry.body).where(LedgerEntry.act == "replica.filled")).one()
    assert '"lacking":1' in body


def test_other_bytes_that_lie_in_the_new_place_are_found_and_mended(
    archive: Archive, store_record: StoreRecord, join: Join, third: LocalStore
) -> None:
    key = store_record()
    join()
    (third.root / key).parent.mkdir(parents=True)
    (third.root / key).write_bytes(b"forged")
    assert filled(archive)[-1] is Step.WAITING
    assert (_fill_row(archive).trouble or {})["code"] == "replica.at_fault"
    assert _state(archive) == "filling"
    assert all(one.repaired for one in repair(archive, actor=OFFICER))
    assert filled(archive)[-1] is Step.DONE


def test_a_place_that_goes_away_is_waited_for(
    archive: Archive, store_record: StoreRecord, join: Join, third: LocalStore, tmp_path: Path
) -> None:
    store_record()
    join()
    third.root.rename(tmp_path / "away")
    assert filled(archive)[-1] is Step.WAITING
    assert (_fill_row(archive).trouble or {})["code"] == "store.root_missing"
    (tmp_path / "away").rename(third.root)
    assert filled(archive)[-1] is Step.DONE
    assert _fill_row(archive).trouble is None


def test_one_process_fills_at_a_time(archive: Archive, join: Join) -> None:
    join()
    with filling.right_to_fill(archive, "c"), pytest.raises(Unavailable) as error, filling.right_to_fill(archive, "c"):
        pass
    assert error.value.code == "lease.held"


def test_a_place_with_other_files_is_refused(archive: Archive, third: LocalStore) -> None:
    third.prepare()
    (third.root / "letter.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(Conflict) as error:
        refuse_when_taken(archive, third)
    assert error.value.code == "replica.not_empty"
    assert [one.name for one in third.root.iterdir() if one.name != ".tmp"] == ["letter.txt"]


def test_retiring(archive: Archive, store_record: StoreRecord, join: Join, third: LocalStore) -> None:
    key = store_record()

    def retire(name: str, confirmations: int = 0) -> bool:
        with archive.sessions.begin() as session:
            return retire_replica(session, archive=archive, actor=OFFICER, name=name, confirmations=confirmations)

    with pytest.raises(NotFound):
        retire("z")
    join()
    with pytest.raises(Conflict) as error:
        retire("a")
    assert error.value.code == "replica.too_few"
    assert filled(archive)[-1] is Step.DONE
    with pytest.raises(Conflict):
        retire("a", confirmations=3)
    (folder_of(archive, "a") / key).unlink()
    audit(archive, actor=OFFICER, replicas=["a"])
    before = _listing(LocalStore("a", folder_of(archive, "a")))
    assert retire("a")
    assert not retire("a")
    assert _listing(LocalStore("a", folder_of(archive, "a"))) == before
    assert archive.replicas.names == ("b", "c")
    fresh = store_record()
    assert not (folder_of(archive, "a") / fresh).exists()
    assert (third.root / fresh).exists()
    assert {run.replica for run in audit(archive, actor=OFFICER).runs} == {"b", "c"}
    with archive.reading() as session:
        assert session.scalars(select(Incident.state)).all() == ["closed"]
        assert [one.state for one in report(archive, session)] == ["retired", "active", "active"]
        assert not session.scalars(
            select(ReplicaObject.key).where(ReplicaObject.replica == "a", ReplicaObject.written_at.is_(None))
        ).all()
    assert _acts(archive)[-1] == "replica.retired"
    with pytest.raises(Conflict) as used, archive.sessions.begin() as session:
        add_replica(
            session, archive=archive, actor=OFFICER, store=archive.replicas.store("a"), location="", required=True
        )
    assert used.value.code == "replica.name_used"


def test_a_replica_with_the_only_good_copy_stays(archive: Archive, store_record: StoreRecord, join: Join) -> None:
    key = store_record()
    join()
    filled(archive)
    for name in ("b", "c"):
        (folder_of(archive, name) / key).unlink()
    audit(archive, actor=OFFICER)
    with pytest.raises(Conflict) as error, archive.sessions.begin() as session:
        retire_replica(session, archive=archive, actor=OFFICER, name="a", confirmations=0)
    assert error.value.code == "replica.only_copy"


def test_a_replica_that_returns_takes_tombstones_first_and_nothing_of_what_they_name(
    archive: Archive, store_record: StoreRecord, clock: FixedClock, tmp_path: Path
) -> None:
    kept, gone = store_record(), store_record()
    later = layout.parse(store_record()).record_id or ""
    late = layout.bag_key(later, 1)
    b = folder_of(archive, "b")
    (b / late).unlink()
    b.rename(tmp_path / "away")
    owner = layout.parse(gone).record_id or ""
    with archive.sessions.begin() as session:
        session.get_one(ReplicaObject, ("b", late)).written_at = None
        for one in (owner, later):
            body = b'{"format":"test"}'
            key = layout.tombstone_key(one)
            archive.replicas.store("a").create(key, [body])
            register(
                session,
                clock=clock,
                key=key,
                kind="tombstone",
                sha256=digests.of_bytes(body),
                size=len(body),
                record_id=one,
                body=None,
                written=["a"],
            )
    clock.moment += timedelta(days=3)
    (tmp_path / "away").rename(b)
    store = Noting("b", b)
    archive.replicas.admit(store, required=True)
    with archive.sessions.begin() as session:
        seal.freeze_keys(session, archive)
    pending.write_pending_objects(archive)
    order = store.written
    assert [one.startswith("tombstones/") for one in order[:2]] == [True, True]
    assert order[2].startswith("ledger/")
    assert not (b / late).exists(), "what a tombstone names is brought nowhere"
    with archive.reading() as session:
        assert session.get(ReplicaObject, ("b", late)) is None
    assert list_destroyed(archive) == 1
    assert list_destroyed(archive) == 1
    with archive.reading() as session:
        incident = session.scalars(select(Incident)).one()
    assert (incident.replica, incident.key, incident.fault) == ("b", gone, "stale")
    assert incident.detail["destroyed_elsewhere"] is True
    assert (b / gone).exists(), "nothing is removed here"
    assert (b / kept).exists()


def test_as_many_required_replicas_as_the_site_asks_for_must_confirm(archive: Archive, tmp_path: Path) -> None:
    stores = [LocalStore(name, tmp_path / "few" / name) for name in ("x", "y", "z")]
    for one in stores:
        one.prepare()
    shutil.rmtree(stores[2].root)
    key = layout.bag_key(new_id(), 1)
    assert set(Replicas(stores, confirmations=2).create_bytes(key, b"x")) == {"x", "y"}
    with pytest.raises(Unavailable):
        Replicas(stores, confirmations=3).create_bytes(key, b"x")
    with pytest.raises(Unavailable):
        Replicas(stores).create_bytes(key, b"x")
    with pytest.raises(Unavailable):
        Replicas(stores, {"y", "z"}, confirmations=2).create_bytes(key, b"x")
    assert replace(archive, replicas=Replicas(stores, {"x"}, confirmations=5)).replicas.confirmations == 1
