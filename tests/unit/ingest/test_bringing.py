"""A bag that only an absent replica has is made again from quarantine, and by nothing else."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, update

from ingest.bringing import AFTER, bring_from_quarantine
from ingest.submissions import RELEASED
from repository.alarms import AlarmKind, open_alarm
from repository.archive import Archive
from repository.clock import FixedClock
from repository.holding import write_marker
from repository.storage import layout
from repository.tables import RecordPlan, ReplicaObject, Submission

Deposit = Callable[..., tuple[str, str]]


@pytest.fixture
def bag(archive: Archive, deposit: Deposit, clock: FixedClock, tmp_path: Path) -> str:
    """The key of a bag that replica ``a`` lacks, and whose deposit still lies in quarantine."""
    for store in archive.replicas.stores:
        write_marker(store, holding_id=archive.holding_id, zone=archive.zone, at=clock.now())
    folder = tmp_path / "papers"
    folder.mkdir()
    (folder / "录像.bin").write_bytes(bytes(range(256)) * (17 << 12))
    (folder / "申请书.txt").write_text("低保申请", encoding="utf-8")
    submission_id, state = deposit(folder, one_record=True)
    assert state == "done"
    with archive.reading() as session:
        record_id = session.scalars(select(RecordPlan.record_id).where(RecordPlan.submission_id == submission_id)).one()
    key = layout.bag_key(record_id, 1)
    _of(archive, "a", key).unlink()
    with archive.sessions.begin() as session:
        mine = update(ReplicaObject).where(ReplicaObject.replica == "a", ReplicaObject.key == key)
        session.execute(mine.values(written_at=None))
    clock.moment += AFTER + timedelta(seconds=1)
    return key


def _of(archive: Archive, replica: str, key: str) -> Path:
    return Path(archive.replicas.store(replica).location) / key


def _away(archive: Archive) -> bytes:
    """Replica ``b`` goes away; what it has of the bag is what must come again."""
    root = Path(archive.replicas.store("b").location)
    (found,) = root.glob("r/**/*.zip")
    data = found.read_bytes()
    root.rename(root.with_name("gone"))
    return data


def test_the_same_object_is_made_again(archive: Archive, bag: str) -> None:
    data = _away(archive)
    assert bring_from_quarantine(archive) == 1
    assert _of(archive, "a", bag).read_bytes() == data
    with archive.reading() as session:
        assert session.scalars(select(ReplicaObject.written_at).where(ReplicaObject.key == bag)).all().count(None) == 0
    assert bring_from_quarantine(archive) == 0


def test_a_replica_that_answers_gives_its_bags_itself(archive: Archive, bag: str) -> None:
    assert bring_from_quarantine(archive) == 0
    assert not _of(archive, "a", bag).exists()


def test_a_replica_has_the_time_to_give_first(archive: Archive, bag: str, clock: FixedClock) -> None:
    _away(archive)
    clock.moment -= AFTER
    assert bring_from_quarantine(archive) == 0


@pytest.mark.parametrize("harm", ["source", "missing", "unreadable", "plan"])
def test_what_quarantine_cannot_give_goes_on_waiting(
    harm: str, archive: Archive, bag: str, caplog: pytest.LogCaptureFixture
) -> None:
    _away(archive)
    with archive.reading() as session:
        plan = archive.quarantine / str(session.scalars(select(RecordPlan.plan_path)).one())
    (film,) = (one for one in archive.quarantine.rglob("*") if one.is_file() and one.stat().st_size > 1 << 20)
    if harm == "missing":
        film.unlink()
    elif harm == "unreadable":
        film.unlink()
        film.mkdir()
    else:
        harmed = plan if harm == "plan" else film
        body = bytearray(harmed.read_bytes())
        body[len(body) // 2] ^= 1
        harmed.write_bytes(body)
    with caplog.at_level(logging.WARNING):
        assert bring_from_quarantine(archive) == 0
    assert bag in caplog.text
    assert not _of(archive, "a", bag).exists()
    with archive.reading() as session:
        assert None in session.scalars(select(ReplicaObject.written_at).where(ReplicaObject.key == bag)).all()


def test_a_replica_that_holds_other_bytes_is_told_of(archive: Archive, bag: str) -> None:
    _away(archive)
    _of(archive, "a", bag).write_bytes(b"somebody else's")
    assert bring_from_quarantine(archive) == 0
    with archive.reading() as session:
        alarm = open_alarm(session, AlarmKind.REPLICA_CONFLICT, "a")
    assert alarm is not None
    assert _of(archive, "a", bag).read_bytes() == b"somebody else's"


def test_nothing_is_looked_for_where_quarantine_was_let_go(archive: Archive, bag: str) -> None:
    _away(archive)
    with archive.sessions.begin() as session:
        session.execute(update(Submission).values(step=RELEASED))
    assert bring_from_quarantine(archive) == 0
    assert not _of(archive, "a", bag).exists()
