"""Repair writes only bytes that have the recorded digest, keeps the damaged ones, and can be repeated after a crash."""

from __future__ import annotations

import hashlib
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from metadata.errors import Unavailable
from repository import leases
from repository.archive import Archive
from repository.fixity import audit, inventory, open_incidents, repair
from repository.holding import check_marker
from repository.objects import register
from repository.storage.local import LocalStore
from repository.tables import Incident, LedgerEntry, ReplicaObject, StoredObject

from .conftest import OFFICER, StoreRecord, files_of, flip, folder_of


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_a_flipped_byte_is_mended_and_its_evidence_kept(archive: Archive, store_record: StoreRecord) -> None:
    key = store_record()
    path = folder_of(archive, "a") / key
    good = _sha256(path)
    flip(path, 321)
    damaged = path.read_bytes()
    [fault] = audit(archive, actor=OFFICER)
    [result] = repair(archive, actor=OFFICER)
    assert result.repaired
    assert result.source == "b"
    assert result.incident_id == fault.incident_id
    assert _sha256(path) == good
    assert result.evidence_key is not None
    assert (folder_of(archive, "a") / result.evidence_key).read_bytes() == damaged
    assert audit(archive, actor=OFFICER).exit_code == 0
    assert inventory(archive, actor=OFFICER).exit_code == 0
    with archive.reading() as session:
        incident = session.scalars(select(Incident)).one()
        evidence = session.get_one(StoredObject, result.evidence_key)
        holders = session.scalars(select(ReplicaObject.replica).where(ReplicaObject.key == evidence.key)).all()
        entry = session.scalars(select(LedgerEntry).where(LedgerEntry.act == "incident.repaired")).one()
    assert incident.state == "repaired"
    assert incident.resolution == {"source": "b", "sha256": good, "evidence_key": result.evidence_key}
    assert evidence.kind == "evidence"
    assert evidence.sha256 == hashlib.sha256(damaged).hexdigest()
    assert holders == ["a"]
    assert good in entry.body


def test_missing_truncated_unreadable(archive: Archive, store_record: StoreRecord) -> None:
    gone, short, link = (store_record() for _ in range(3))
    root = folder_of(archive, "b")
    (root / gone).unlink()
    (root / short).write_bytes(b"")
    (root / link).unlink()
    (root / link).symlink_to("/dev/null")
    assert audit(archive, actor=OFFICER).total("missing", "damaged", "unreadable") == 3
    results = repair(archive, actor=OFFICER)
    assert all(one.repaired and one.source == "a" for one in results)
    assert [one.key for one in results if one.evidence_key is None] == [gone]
    assert audit(archive, actor=OFFICER).exit_code == 0
    assert inventory(archive, actor=OFFICER).exit_code == 0


def test_a_ledger_block_is_mended_from_the_catalogue(archive: Archive) -> None:
    body = b"line\n" * 100
    key = "ledger/acts/2026/01/000000001.jsonl"
    written = archive.replicas.create_bytes(key, body)
    with archive.sessions.begin() as session:
        register(
            session,
            clock=archive.clock,
            key=key,
            kind="block",
            sha256=hashlib.sha256(body).hexdigest(),
            size=len(body),
            body=body,
            written=written,
        )
    for name in ("a", "b"):
        flip(folder_of(archive, name) / key, 7)
    audit(archive, actor=OFFICER)
    assert [one.source for one in repair(archive, actor=OFFICER)] == ["catalogue", "catalogue"]
    assert (folder_of(archive, "a") / key).read_bytes() == body


def test_two_damaged_copies_are_left_alone(archive: Archive, store_record: StoreRecord) -> None:
    key = store_record()
    for name in ("a", "b"):
        flip(folder_of(archive, name) / key, 50)  # equal copies, and both wrong: no majority decides
    before = {name: _sha256(folder_of(archive, name) / key) for name in ("a", "b")}
    audit(archive, actor=OFFICER)
    results = repair(archive, actor=OFFICER)
    assert [one.repaired for one in results] == [False, False]
    assert {one.code for one in results} == {"repair.no_good_copy"}
    assert "offline" in results[0].note
    assert {name: _sha256(folder_of(archive, name) / key) for name in ("a", "b")} == before
    assert not (folder_of(archive, "a") / "evidence").exists()
    with archive.reading() as session:
        assert len(open_incidents(session)) == 2


class _Killed(BaseException):
    """The process is gone: nothing after this runs."""


@pytest.mark.parametrize("step", ["set_aside", "create", "close"])
@pytest.mark.parametrize("after", [False, True])
def test_killed_at_any_step_and_repeated(
    archive: Archive, store_record: StoreRecord, monkeypatch: pytest.MonkeyPatch, step: str, after: bool
) -> None:
    key = store_record(files_of(2, 300_000))
    path = folder_of(archive, "a") / key
    good = _sha256(path)
    flip(path, 100_000)
    damaged = path.read_bytes()
    [fault] = audit(archive, actor=OFFICER)

    def dying(original: Any) -> Any:
        def call(*args: Any, **named: Any) -> Any:
            if after:
                original(*args, **named)
            raise _Killed

        return call

    with monkeypatch.context() as patch:
        if step == "close":
            module = sys.modules["repository.fixity.repair"]
            patch.setattr(module, "close_incidents", dying(module.close_incidents))
        else:
            patch.setattr(LocalStore, step, dying(getattr(LocalStore, step)))
        with pytest.raises(_Killed):
            repair(archive, actor=OFFICER)
    with archive.sessions.begin() as session:
        assert [one.id for one in open_incidents(session)] == [fault.incident_id]
    [result] = repair(archive, actor=OFFICER)
    assert result.repaired
    assert result.evidence_key is not None
    assert _sha256(path) == good
    assert (folder_of(archive, "a") / result.evidence_key).read_bytes() == damaged
    assert audit(archive, actor=OFFICER).exit_code == 0
    assert inventory(archive, actor=OFFICER).exit_code == 0
    assert repair(archive, actor=OFFICER) == []


def test_a_damaged_marker_is_written_anew(archive: Archive, store_record: StoreRecord) -> None:
    key = store_record()
    root = folder_of(archive, "a")
    flip(root / "holding" / "00001.json", 20)
    damaged = (root / "holding" / "00001.json").read_bytes()
    flip(root / key, 20)
    audit(archive, actor=OFFICER)
    results = repair(archive, actor=OFFICER)
    assert [(one.key, one.repaired) for one in results] == [("holding/00001.json", True), (key, True)]
    assert results[0].evidence_key is not None
    assert (root / results[0].evidence_key).read_bytes() == damaged
    assert check_marker(archive.replicas.store("a"), archive.holding_id).replica == "a"
    assert audit(archive, actor=OFFICER).exit_code == 0
    assert inventory(archive, actor=OFFICER).exit_code == 0


def test_a_source_that_goes_bad_is_refused(
    archive: Archive, store_record: StoreRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = store_record()
    flip(folder_of(archive, "a") / key, 5)
    audit(archive, actor=OFFICER)
    module = sys.modules["repository.fixity.repair"]
    original = module.good_source

    def then_damaged(*args: Any, **named: Any) -> Any:
        found = original(*args, **named)
        flip(folder_of(archive, "b") / key, 5)  # between reading it and copying it
        return found

    monkeypatch.setattr(module, "good_source", then_damaged)
    [result] = repair(archive, actor=OFFICER)
    assert not result.repaired
    assert not (folder_of(archive, "a") / key).exists()  # set aside, and no wrong bytes in its place
    with archive.reading() as session:
        assert len(open_incidents(session)) == 1


def test_what_has_passed_is_closed_without_writing(archive: Archive, store_record: StoreRecord) -> None:
    key = store_record()
    path = folder_of(archive, "a") / key
    hidden = archive.quarantine / "hidden"
    path.rename(hidden)
    audit(archive, actor=OFFICER)
    hidden.rename(path)
    [result] = repair(archive, actor=OFFICER)
    assert result.repaired
    assert result.source == "unchanged"
    assert result.evidence_key is None


def test_a_stray_file_is_left_to_a_person(archive: Archive) -> None:
    stray = folder_of(archive, "a") / "r" / "stray.zip"
    stray.parent.mkdir(exist_ok=True)
    stray.write_bytes(b"whose is this")
    inventory(archive, actor=OFFICER)
    [result] = repair(archive, actor=OFFICER)
    assert not result.repaired
    assert result.code == "repair.needs_person"
    assert stray.exists()


def test_a_replica_that_is_away_is_left_alone(archive: Archive, store_record: StoreRecord) -> None:
    key = store_record()
    root = folder_of(archive, "a")
    flip(root / key, 5)
    audit(archive, actor=OFFICER)
    shutil.move(root, root.with_name("elsewhere"))
    root.mkdir()
    [result] = repair(archive, actor=OFFICER)
    assert not result.repaired
    assert list(root.iterdir()) == []


def test_only_one_process_repairs(archive: Archive) -> None:
    with (
        leases.held(archive.sessions, "fixity-repair", "other", 60, archive.clock),
        pytest.raises(Unavailable, match="Another process"),
    ):
        repair(archive, actor=OFFICER)


def test_only_the_named_incidents(archive: Archive, store_record: StoreRecord) -> None:
    keys = [store_record(), store_record()]
    for key in keys:
        flip(folder_of(archive, "a") / key, 5)
    faults = audit(archive, actor=OFFICER)
    chosen = faults[0].incident_id
    assert chosen is not None
    assert [one.incident_id for one in repair(archive, actor=OFFICER, incident_ids=[chosen])] == [chosen]
    assert audit(archive, actor=OFFICER).total("damaged") == 1
