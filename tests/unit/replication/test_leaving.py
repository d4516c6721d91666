"""A replica leaves while others work: nothing is registered on it alone, and it does not come back by itself."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from metadata.errors import Conflict, Unavailable
from metadata.identifiers import new_id
from repository.archive import Archive
from repository.backup import ahead
from repository.objects import confirmed
from repository.replication import Step, fill, filling, retire_replica
from repository.storage import layout
from repository.storage.local import LocalStore
from repository.storage.replicas import ACTIVE, Replicas
from repository.tables import RecordPlan, Replica, ReplicaFill
from tests.unit.fixity.conftest import StoreRecord
from tests.unit.replication.conftest import OFFICER, filled

Join = Callable[[], bool]


def _retire(archive: Archive, name: str) -> None:
    with archive.sessions.begin() as session:
        assert retire_replica(session, archive=archive, actor=OFFICER, name=name, confirmations=0)


def _plan(archive: Archive, *written: str) -> None:
    with archive.sessions.begin() as session:
        session.add(
            RecordPlan(
                record_id=new_id(), submission_id=new_id(), position=0, state="stored", spec={"written": [*written]}
            )
        )


def test_a_replica_that_alone_has_a_bag_without_rows_stays(
    archive: Archive, store_record: StoreRecord, join: Join
) -> None:
    store_record()
    join()
    assert filled(archive)[-1] is Step.DONE
    _plan(archive, "a", "b")
    _plan(archive, "a")
    with pytest.raises(Conflict) as error:
        _retire(archive, "a")
    assert error.value.code == "replica.only_copy"
    _retire(archive, "b")


def test_what_only_a_replica_that_left_confirmed_is_not_registered(
    archive: Archive, store_record: StoreRecord, join: Join
) -> None:
    store_record()
    join()
    assert filled(archive)[-1] is Step.DONE
    replicas = Replicas(archive.replicas.stores, confirmations=1)
    key = layout.bag_key(new_id(), 1)
    with archive.sessions.begin() as session:
        confirmed(session, replicas, {key: ["a"]})
        with pytest.raises(Unavailable):
            confirmed(session, archive.replicas, {key: ["a", "b"]})
    _retire(archive, "a")
    with pytest.raises(Unavailable) as error, archive.sessions.begin() as session:
        confirmed(session, replicas, {key: ["a"]})
    assert error.value.code == "replicas.left_meanwhile"
    with archive.sessions.begin() as session:
        confirmed(session, replicas, {key: ["a", "b"]})


def test_a_replica_that_left_while_it_was_read_back_stays_away(
    archive: Archive, store_record: StoreRecord, join: Join, monkeypatch: pytest.MonkeyPatch
) -> None:
    store_record()
    join()
    real = filling.audit

    def audit(*given: Any, **named: Any) -> Any:
        found = real(*given, **named)
        if not found.checked:
            _retire(archive, "c")
        return found

    monkeypatch.setattr(filling, "audit", audit)
    assert filled(archive)[-1] is Step.DONE
    with archive.reading() as session:
        assert session.scalar(select(Replica.state).where(Replica.name == "c")) == "retired"
        assert session.get_one(ReplicaFill, "c").phase == "given_up"
    assert fill(archive, "c") is Step.DONE


def test_settings_without_replicas_in_use_register_nothing_below_what_is_asked(tmp_path: Path) -> None:
    stores = [LocalStore(name, tmp_path / name) for name in ("x", "y")]
    for one in stores:
        one.prepare()
    key = layout.bag_key(new_id(), 1)
    known = {"x": ACTIVE, "y": ACTIVE, "z": ACTIVE}
    assert set(Replicas(stores, confirmations=2, states=lambda: known).create_bytes(key, b"x")) == {"x", "y"}
    with pytest.raises(Unavailable) as error:
        Replicas(stores[:1], confirmations=2, states=lambda: known).create_bytes(key, b"x")
    assert error.value.code == "replicas.not_described"
    with pytest.raises(Unavailable) as error:  # all that are required must confirm, also those that these settings lack
        Replicas(stores, states=lambda: known).create_bytes(key, b"x")
    assert error.value.code == "replicas.not_described"
    optional = Replicas(stores, states=lambda: known, optional=lambda: {"z"})
    assert set(optional.create_bytes(key, b"x")) == {"x", "y"}
    assert optional.lacking == ("z",)
    assert optional.enough({"x", "y"}, {"x": True, "y": True, "z": False})
    assert not optional.enough({"x", "y"}, {"x": True, "y": True, "z": True})
    with pytest.raises(Unavailable):  # renamed in the settings: none of them is in use
        Replicas(stores, states=lambda: {"z": ACTIVE}).create_stream(key, lambda: iter([b"x"]))


def test_one_replica_at_least_confirms(tmp_path: Path) -> None:
    gone = LocalStore("gone", tmp_path / "gone")
    with pytest.raises(Unavailable):
        Replicas([gone], set()).create_bytes(layout.bag_key(new_id(), 1), b"x")


def test_a_replica_that_the_settings_lack_counts_as_not_compared(archive: Archive, store_record: StoreRecord) -> None:
    store_record()
    with archive.sessions.begin() as session:
        session.add(
            Replica(name="far", kind="s3", location="", required=True, state=ACTIVE, added_at=archive.clock.now())
        )
    with archive.reading() as session:
        found = ahead.compare(session, archive)
    assert list(found.not_compared) == ["far"]
    assert found.stops
    with archive.sessions.begin() as session:
        session.execute(update(Replica).where(Replica.name == "far").values(state="retired"))
    with archive.reading() as session:
        assert not ahead.compare(session, archive).not_compared
