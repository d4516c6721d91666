"""The catalogue comes back from one replica, and what does not fit is said."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from metadata.errors import Conflict, NotFound
from metadata.identifiers import new_id
from repository import pending, revisions
from repository.archive import Archive
from repository.entities import submission_state
from repository.keys import Keys
from repository.ledger import acts, checkpoints, seal
from repository.ledger.acts import ActorRef
from repository.ledger.verify import verify_folder
from repository.rebuild import RebuildReport, rebuild
from repository.storage import layout
from repository.tables import (
    Account,
    CaseFile,
    CaseRecord,
    Household,
    Incident,
    LedgerBlock,
    LedgerEntry,
    Outbox,
    Record,
    RecordPlan,
    ReplicaObject,
    StoredFile,
    StoredObject,
    Submission,
)

ACTOR = ActorRef("console:tester", "console")
Dump = Callable[[Archive], dict[str, list[dict[str, object]]]]


@pytest.mark.parametrize("replica", ["a", "b"])
def test_one_replica_gives_the_whole_catalogue_back(county: Any, dump: Dump, replica: str) -> None:
    other = "b" if replica == "a" else "a"
    before = dump(county.archive)
    shutil.rmtree(county.replicas / other)
    fresh = county.fresh()
    report = rebuild(fresh, replica)
    assert report.complete, report.as_dict()
    assert report.unconfirmed == []
    assert report.counts["records"] == 3
    assert {stream: head.number for stream, head in report.as_of.items()} == {"acts": 1, "use": 1}
    after = dump(fresh)
    for name, rows in before.items():
        assert after[name] == rows, name


def test_history_register_and_description_are_as_before(county: Any) -> None:
    fresh = county.fresh()
    rebuild(fresh, "b")
    with county.archive.reading() as old, fresh.reading() as new:
        wanted = (
            select(LedgerEntry.body)
            .where(LedgerEntry.act != "rebuild.finished")
            .order_by(LedgerEntry.stream, LedgerEntry.seq)
        )
        assert list(new.scalars(wanted)) == list(old.scalars(wanted))
        record = new.scalars(select(Record).where(Record.id == county.records[0])).one()
        assert (record.title, record.description_revision) == ("更正后的题名", 1)
        assert record.access_marks == ["minors"]
        household = new.scalars(select(Household)).one()
        assert fresh.keys.unseal(household.applicant_id_sealed or b"") == "11010519491231002X"
        assert [
            row.record_id for row in new.scalars(select(CaseRecord).order_by(CaseRecord.position))
        ] == county.records
        account = new.get(Account, county.account_id)
        assert account is not None
        assert account.password_hash is None
        assert len(new.scalars(select(Outbox)).all()) == 3
        assert set(new.scalars(select(StoredFile.text_state))) == {"pending"}


def test_numbering_goes_on_after_a_rebuild(county: Any) -> None:
    fresh = county.fresh()
    rebuild(fresh, "b")
    with fresh.sessions.begin() as session:
        acts.organ_created(session, at=fresh.clock.now(), actor=ACTOR, organ_id=new_id())
    assert [(one.stream, one.number) for one in seal.seal(fresh)] == [("acts", 2)]
    for name in ("a", "b"):
        assert verify_folder(county.replicas / name, [fresh.keys.public_bytes()]).ok


def test_a_number_that_only_another_replica_knows_is_not_given_again(county: Any) -> None:
    record_id = county.records[0]
    county.describe(record_id, "改在断电之前")
    while pending.write_pending_objects(county.archive):
        pass
    with county.archive.reading() as session:
        last = session.scalars(select(Record.description_revision).where(Record.id == record_id)).one()
    (county.replicas / "b" / layout.description_key(record_id, last)).unlink()  # power went before b had it
    county.archive = county.fresh()
    rebuild(county.archive, "b")
    county.describe(record_id, "重建之后再改")
    county.settle()
    assert (county.replicas / "b" / layout.description_key(record_id, last + 1)).exists()
    with county.archive.reading() as session:
        assert session.scalars(select(Record.title).where(Record.id == record_id)).one() == "重建之后再改"


def test_a_database_with_something_in_it_is_refused(county: Any) -> None:
    with pytest.raises(Conflict, match="not empty"):
        rebuild(county.archive, "a")
    with pytest.raises(NotFound):
        rebuild(county.fresh(), "z")


def test_a_bag_without_a_sealed_accession_is_adopted_unconfirmed(county: Any) -> None:
    stray = new_id()
    county.store(stray, b"never accessioned")
    unsealed = county.add(b"accessioned, not sealed")
    fresh = county.fresh()
    report = rebuild(fresh, "a")
    assert sorted(report.unconfirmed) == sorted([stray, unsealed])
    with fresh.reading() as session:
        found = {one.id: one.confirmed for one in session.scalars(select(Record))}
    assert found == {**dict.fromkeys(county.records, True), stray: False, unsealed: False}


def test_a_tombstone_wins_over_objects_found_later(county: Any) -> None:
    gone = county.records[1]
    tombstone = json.dumps({"format": "lantai-tombstone/1", "record_id": gone}).encode()
    county.archive.replicas.create_bytes(layout.tombstone_key(gone), tombstone)
    fresh = county.fresh()
    report = rebuild(fresh, "a")
    assert report.remains == [layout.bag_key(gone, 1)]
    with fresh.reading() as session:
        assert gone not in set(session.scalars(select(Record.id)))
        assert session.get(StoredObject, layout.tombstone_key(gone)) is not None
        assert session.get(StoredObject, layout.bag_key(gone, 1)) is None
        assert len(session.scalars(select(CaseRecord)).all()) == 2


def test_what_the_ledger_names_is_read_from_the_other_replica(county: Any) -> None:
    lost = layout.bag_key(county.records[2], 1)
    (county.replicas / "b" / lost).unlink()
    fresh = county.fresh()
    report = rebuild(fresh, "b")
    assert report.counts["records"] == 3
    assert report.missing == []
    with fresh.reading() as session:
        copy = session.get(ReplicaObject, ("b", lost))
        assert copy is not None
        assert copy.written_at is None
    pending.write_pending_objects(fresh)
    assert (county.replicas / "b" / lost).exists()


def test_what_no_replica_holds_is_listed(county: Any) -> None:
    lost = layout.bag_key(county.records[2], 1)
    for name in ("a", "b"):
        (county.replicas / name / lost).unlink()
    report = rebuild(county.fresh(), "b")
    assert report.missing == [lost]
    assert not report.complete


def test_a_damaged_revision_is_read_from_the_other_replica(county: Any) -> None:
    key = layout.description_key(county.records[0], 1)
    path = county.replicas / "b" / key
    path.write_bytes(path.read_bytes().replace("更正".encode(), "篡改".encode()))
    fresh = county.fresh()
    rebuild(fresh, "b")
    with fresh.reading() as session:
        assert session.scalars(select(Record.title).where(Record.id == county.records[0])).one() == "更正后的题名"


def test_a_damaged_bag_is_named_and_the_rest_comes_back(county: Any) -> None:
    key = layout.bag_key(county.records[2], 1)
    shutil.rmtree(county.replicas / "a")
    path = county.replicas / "b" / key
    path.write_bytes(path.read_bytes()[:-30])
    report = rebuild(county.fresh(), "b")
    assert [one.key for one in report.faults] == [key]
    assert report.counts["records"] == 2


def test_a_replica_behind_the_others_is_refused_unless_forward(county: Any) -> None:
    shutil.copytree(county.replicas / "b", county.folder / "old")
    county.add(b"later")
    county.settle()
    shutil.rmtree(county.replicas / "b")
    (county.folder / "old").rename(county.replicas / "b")
    with pytest.raises(Conflict, match="ends before"):
        rebuild(county.fresh(), "b")
    fresh = county.fresh()
    report = rebuild(fresh, "b", forward=True)
    assert report.complete, report.as_dict()
    assert report.counts["records"] == 4
    assert report.as_of["acts"].number == 2
    pending.write_pending_objects(fresh)
    assert verify_folder(county.replicas / "b").ok


def test_a_ledger_below_a_checkpoint_is_refused(county: Any) -> None:
    checkpoints.write_checkpoint(county.archive)
    for name in ("a", "b"):
        next((county.replicas / name / "ledger" / "acts").rglob("000000002.jsonl")).unlink()
    with pytest.raises(Conflict, match="ends before"):
        rebuild(county.fresh(), "a")
    report = rebuild(county.fresh(), "a", forward=True)
    assert [one.code for one in report.ledger_problems] == ["ledger.checkpoint_ahead"]
    assert not report.complete


def test_a_tampered_ledger_is_refused(county: Any) -> None:
    path = next((county.replicas / "b" / "ledger" / "acts").rglob("*.jsonl"))
    path.write_bytes(path.read_bytes().replace(b'"console:tester"', b'"console:nobody"', 1))
    with pytest.raises(Conflict, match="entry 1 was altered"):
        rebuild(county.fresh(), "b")
    assert rebuild(county.fresh(), "a").complete


def test_other_keys_are_refused_unless_told(county: Any, tmp_path: Path) -> None:
    Keys.create(tmp_path / "other")
    with pytest.raises(Conflict, match="key backup"):
        rebuild(county.fresh(keys=tmp_path / "other"), "b")
    report = rebuild(county.fresh(keys=tmp_path / "other"), "b", forward=True)
    assert report.unsealed == 1
    assert report.counts["records"] == 3


def test_a_checkpoint_inventory_vouches_for_what_the_ledger_does_not_name(county: Any, dump: Dump) -> None:
    checkpoints.write_checkpoint(county.archive)
    fresh = county.fresh()
    report = rebuild(fresh, "a")
    assert report.complete
    assert dump(fresh)["stored_object"] == dump(county.archive)["stored_object"]


def test_an_object_only_elsewhere_is_listed(county: Any) -> None:
    stray = new_id()
    county.store(stray, b"only on a")
    (county.replicas / "b" / layout.bag_key(stray, 1)).unlink()
    report: RebuildReport = rebuild(county.fresh(), "b")
    assert report.elsewhere == {"a": [layout.bag_key(stray, 1)]}
    assert rebuild(county.fresh(), "b", forward=True).unconfirmed == [stray]


def test_a_present_catalogue_is_compared(county: Any) -> None:
    unsealed = county.add(b"accessioned, not sealed")
    for name in ("a", "b"):
        (county.replicas / name / layout.bag_key(unsealed, 1)).unlink()
    report = rebuild(county.fresh(), "b", present=county.archive.reading)
    told = {(one.kind, one.side) for one in report.differences}
    assert ("record", "catalogue") in told
    assert ("ledger_entry", "catalogue") in told
    assert ("ledger_entry", "replica") not in told, "the rebuild's own entry is no difference"
    assert unsealed in {one.id for one in report.differences if one.kind == "record"}


def test_retention_is_assigned_by_who_knows_it(county: Any) -> None:
    seen: list[str] = []
    rebuild(county.fresh(), "a", assign=lambda _session, ids: seen.extend(ids))
    assert seen == county.records


def test_a_rebuild_that_breaks_off_leaves_the_database_empty(county: Any) -> None:
    fresh = county.fresh()

    def break_off(_session: object, _ids: object) -> None:
        raise RuntimeError("power cut")

    with pytest.raises(RuntimeError):
        rebuild(fresh, "a", assign=break_off)
    with fresh.reading() as session:
        assert session.scalars(select(LedgerBlock)).all() == []
        assert session.scalars(select(CaseFile)).all() == []
    assert rebuild(fresh, "a").complete


def test_incidents_come_back_from_the_ledger(county: Any) -> None:
    at = county.archive.clock.now()
    with county.archive.sessions.begin() as session:
        for number in ("1", "2"):
            acts.incident_opened(
                session,
                at=at,
                actor=ACTOR,
                incident_id=number,
                replica="a",
                key=f"k{number}",
                fault="damaged",
                detail={"sha256": "1" * 64, "first_difference": 7, "members": ["data/张三.txt", "data/b.txt"]},
            )
        acts.incident_repaired(
            session, at=at, actor=ACTOR, incident_id="1", replica="a", key="k1", sha256="0" * 64, source="b"
        )
    county.settle()
    fresh = county.fresh()
    rebuild(fresh, "b")
    with fresh.reading() as session:
        states = dict(session.execute(select(Incident.id, Incident.state)).tuples().all())
        details = session.scalars(select(Incident.detail)).all()
        lines = "".join(session.scalars(select(LedgerEntry.body)))
    assert states == {"1": "repaired", "2": "open"}
    assert details == [{"sha256": "1" * 64, "first_difference": 7, "members_damaged": 2}] * 2
    assert "张三" not in lines


def test_a_submission_keeps_its_decisions_and_brings_its_records_along(county: Any) -> None:
    with county.archive.sessions.begin() as session:
        row = session.scalars(select(Submission)).one()
        row.options = {
            "household_no": "H1",
            "accept": True,
            "title": "张三的材料",
            "actor": {"id": "x", "kind": "account"},
        }
        state = submission_state(row)
        revisions.revise_entity(
            session, archive=county.archive, actor=ACTOR, kind="submission", entity_id=row.id, state=state
        )
        lost = new_id()
        acts.submission_opened(
            session,
            at=county.archive.clock.now(),
            actor=ACTOR,
            submission_id=lost,
            channel="web",
            organ_id=county.organ_id,
            profile="p/1",
        )
    county.settle()
    fresh = county.fresh()
    report = rebuild(fresh, "b")
    assert report.unfinished == [lost]
    with fresh.reading() as session:
        found = session.scalars(select(Submission)).one()
        plans = session.scalars(select(RecordPlan).order_by(RecordPlan.position)).all()
    assert found.options == {"household_no": "H1", "accept": True, "actor": {"id": "x", "kind": "account"}}
    assert [one.record_id for one in plans] == county.records, "quarantine waits for the audit of these"
    assert {one.submission_id for one in plans} == {found.id}


def test_a_damaged_marker_is_told_and_does_not_keep_the_holding_away(county: Any) -> None:
    shutil.rmtree(county.replicas / "a")
    marker = county.replicas / "b" / "holding" / "00001.json"
    marker.write_bytes(marker.read_bytes().replace(b"Shanghai", b"Shanghaj"))
    report = rebuild(county.fresh(), "b")
    assert report.counts["records"] == 3
    assert [one.key for one in report.faults] == ["holding/00001.json"]


def test_an_organ_that_only_records_name_is_made_up_and_listed(county: Any) -> None:
    for name in ("a", "b"):
        shutil.rmtree(county.replicas / name / "e" / "organ")
    fresh = county.fresh()
    report = rebuild(fresh, "b")
    assert county.organ_id in report.made_up
    assert not report.complete
    with fresh.reading() as session:
        assert set(session.scalars(select(Record.organ_id))) == {county.organ_id}


def test_a_store_of_another_holding_is_refused(county: Any) -> None:
    with pytest.raises(Conflict, match="another holding"):
        rebuild(replace(county.fresh(), holding_id=new_id()), "b")


def test_a_new_empty_disk_does_not_stop_a_rebuild(county: Any) -> None:
    shutil.rmtree(county.replicas / "a")
    (county.replicas / "a").mkdir()
    report = rebuild(county.fresh(), "b")
    assert report.unreachable == ["a"]
    assert report.complete
