"""Sealing: what waits becomes blocks, in order, on every replica."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from metadata.errors import Conflict, Unavailable
from repository import leases, pending
from repository.archive import Archive
from repository.clock import FixedClock
from repository.ledger import acts, seal
from repository.ledger.acts import ActorRef
from repository.ledger.block import load_canonical, split
from repository.ledger.verify import verify_folder, verify_store
from repository.storage.base import Stat
from repository.storage.local import LocalStore
from repository.storage.replicas import Replicas
from repository.tables import LedgerBlock, LedgerEntry, LedgerPending, ReplicaObject

pytestmark = pytest.mark.both_databases

ACTOR = ActorRef("console:tester", "console")


def test_entries_become_chained_blocks_on_every_replica(
    archive: Archive, act: Callable[[int], None], tmp_path: Path
) -> None:
    act(3)
    first = seal.seal(archive)
    act(2)
    second = seal.seal(archive)
    assert [(one.stream, one.number, one.entries) for one in first + second] == [
        ("acts", 1, 3),
        ("use", 1, 3),
        ("acts", 2, 2),
        ("use", 2, 2),
    ]
    for name in ("a", "b"):
        report = verify_folder(tmp_path / "replicas" / name, [archive.keys.public_bytes()])
        assert report.ok, report.problems
        assert (report.blocks, report.entries, report.warnings) == (4, 10, ())
        assert verify_store(archive.replicas.store(name), [archive.keys.public_bytes()]).ok
    with archive.sessions.begin() as session:
        assert session.scalars(select(LedgerPending)).all() == []
        assert session.scalars(select(ReplicaObject).where(ReplicaObject.written_at.is_(None))).all() == []


def test_a_block_holds_the_lines_that_the_acts_wrote(archive: Archive, act: Callable[[int], None]) -> None:
    act(2)
    seal.seal(archive)
    with archive.sessions.begin() as session:
        block = session.get(LedgerBlock, ("use", 1))
        assert block is not None
        lines = split(block.body)[1]
        bodies = session.scalars(select(LedgerEntry.body).where(LedgerEntry.stream == "use").order_by(LedgerEntry.seq))
        assert [line.decode() for line in lines] == list(bodies)
    entry = load_canonical(lines[0])
    assert entry is not None
    assert entry["format"] == "lantai-ledger-entry/1"
    assert entry["actor"] == {"id": "console:tester", "kind": "console", "organ": None}
    assert "110101" not in lines[0].decode()


def test_more_than_a_thousand_entries_take_several_blocks(archive: Archive, clock: FixedClock) -> None:
    records = [acts.AccessionedRecord(f"r{n}", 1, "0" * 64, 1, 1, ("c",)) for n in range(1001)]
    with archive.sessions.begin() as session:
        acts.records_accessioned(session, at=clock.now(), actor=ACTOR, submission_id="s", records=records)
    assert [(one.number, one.entries) for one in seal.seal(archive)] == [(1, 1000), (2, 1)]


def test_without_force_a_stream_waits_for_its_minute(
    archive: Archive, act: Callable[[int], None], clock: FixedClock
) -> None:
    act(1)
    assert seal.seal(archive, force=False) == []
    clock.moment += timedelta(seconds=61)
    assert len(seal.seal(archive, force=False)) == 2
    assert seal.seal(archive) == []


def test_only_one_process_seals(archive: Archive, act: Callable[[int], None]) -> None:
    act(1)
    assert leases.take(archive.sessions, seal.LEASE, "another", 60, archive.clock)
    with pytest.raises(Unavailable, match="another"):
        seal.seal(archive)


def test_entries_of_a_rolled_back_act_never_existed(archive: Archive) -> None:
    with archive.sessions() as session:
        acts.organ_created(session, at=archive.clock.now(), actor=ACTOR, organ_id="x")
        session.rollback()
    assert seal.seal(archive) == []


def test_a_replica_that_was_away_is_caught_up(
    archive: Archive, act: Callable[[int], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "replicas" / "b"
    folder.rename(tmp_path / "away")
    act(1)
    seal.seal(archive)
    with archive.reading() as session:
        waiting = pending.count_pending(session)
    assert set(waiting) == {"b"}
    (tmp_path / "away").rename(folder)
    assert pending.write_pending_objects(archive) == waiting["b"]
    assert verify_folder(folder).ok


def test_a_store_ahead_of_the_database_stops_the_sealer(
    archive: Archive, act: Callable[[int], None], tmp_path: Path
) -> None:
    act(1)
    sealed = seal.seal(archive)
    ahead = tmp_path / "replicas" / "b" / sealed[0].key.replace("000000001", "000000002")
    ahead.write_bytes(b"{}\n")
    act(1)
    with pytest.raises(Conflict, match="--forward"):
        seal.seal(archive)
    with archive.reading() as session:
        assert len(session.scalars(select(LedgerBlock)).all()) == 2


def test_sealing_lists_only_what_comes_behind_the_last_block(
    archive: Archive, act: Callable[[int], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A month may hold tens of thousands of blocks, and a listing of object storage a thousand keys a request."""
    for _ in range(3):
        act(1)
        seal.seal(archive)
    listed: list[str] = []
    real = LocalStore.list

    def list_(store: LocalStore, prefix: str = "", *, after: str = "") -> Iterator[Stat]:
        for one in real(store, prefix, after=after):
            listed.append(one.key)
            yield one

    monkeypatch.setattr(LocalStore, "list", list_)
    act(1)
    assert {one.number for one in seal.seal(archive)} == {4}
    assert listed == []


def test_a_clock_that_was_wrong_for_a_while_does_not_stop_the_sealer(
    archive: Archive, act: Callable[[int], None], clock: FixedClock, tmp_path: Path
) -> None:
    right = clock.moment
    clock.moment = right + timedelta(days=4000)
    act(1)
    seal.seal(archive)
    clock.moment = right
    act(1)
    seal.seal(archive)
    act(1)
    assert {one.number for one in seal.seal(archive)} == {3}
    assert verify_folder(tmp_path / "replicas" / "a").ok
    strange = tmp_path / "replicas" / "b" / "ledger" / "acts" / f"{right:%Y}" / f"{right:%m}" / "000000004.jsonl"
    strange.write_bytes(b"{}\n")
    act(1)
    with pytest.raises(Conflict, match="--forward"):
        seal.seal(archive)


def test_other_bytes_under_a_key_are_a_conflict_and_the_rest_is_written(archive: Archive, tmp_path: Path) -> None:
    with archive.sessions.begin() as session:
        seal.freeze_keys(session, archive)
    key_path = tmp_path / "replicas" / "a" / "ledger" / "keys" / f"{archive.keys.ledger_key_id}.json"
    key_path.parent.mkdir(parents=True)
    key_path.write_bytes(b"forged")
    with pytest.raises(Conflict):
        pending.write_pending_objects(archive)
    assert key_path.read_bytes() == b"forged"
    with archive.reading() as session:
        assert pending.count_pending(session) == {"a": 2}  # the key, and the alarm about it


def test_a_replica_may_live_in_one_store_only(archive: Archive, act: Callable[[int], None], tmp_path: Path) -> None:
    third = LocalStore("c", tmp_path / "replicas" / "c")
    assert Replicas([third]).names == ("c",)
    act(1)
    seal.seal(archive)
    document = json.loads((tmp_path / "replicas/a/ledger/keys" / f"{archive.keys.ledger_key_id}.json").read_bytes())
    assert document["signed_by"] == document["key_id"] == archive.keys.ledger_key_id
