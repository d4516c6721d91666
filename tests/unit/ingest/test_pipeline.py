"""From a folder to records on two replicas."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import bagit
from sqlalchemy import func, select

from metadata.premis import read as read_premis
from repository.archive import Archive
from repository.bag.record_json import RecordJson
from repository.tables import (
    Counter,
    Finding,
    LedgerEntry,
    Outbox,
    Record,
    RecordVersion,
    ReplicaObject,
    RetentionAssignment,
    StoredFile,
    Submission,
)

Deposit = Callable[..., tuple[str, str]]


def findings(archive: Archive, submission_id: str) -> list[tuple[str, str | None]]:
    with archive.reading() as session:
        rows = session.execute(
            select(Finding.code, Finding.path).where(Finding.submission_id == submission_id).order_by(Finding.seq)
        )
        return [(code, path) for code, path in rows]


def test_a_folder_becomes_records_on_two_replicas(archive: Archive, deposit: Deposit, tmp_path: Path) -> None:
    source = tmp_path / "in"
    (source / "扫描").mkdir(parents=True)
    (source / "空").mkdir()
    (source / "申请书.txt").write_text("申请低保\n", encoding="utf-8")
    for page in (1, 2, 3):
        (source / "扫描" / f"入户调查_{page:02d}.jpg").write_bytes(b"\xff\xd8\xff" + bytes([page]) * 100)
    submission_id, state = deposit(source)
    assert state == "done"
    with archive.reading() as session:
        records = {one.title: one for one in session.scalars(select(Record))}
        assert set(records) == {"申请书", "入户调查"}
        version = session.scalars(select(RecordVersion).where(RecordVersion.record_id == records["入户调查"].id)).one()
        assert version.file_count == 3
        stored = session.scalars(select(StoredFile).where(StoredFile.record_id == version.record_id)).all()
        assert [one.original_name for one in stored] == [f"扫描/入户调查_{page:02d}.jpg" for page in (1, 2, 3)]
        written = session.scalars(select(ReplicaObject).where(ReplicaObject.key == version.object_key)).all()
        assert {one.replica for one in written} == {"a", "b"}
        assert all(one.written_at for one in written)
        assert session.scalar(select(func.count()).select_from(Outbox)) == 2
        assert session.scalar(select(func.count()).select_from(RetentionAssignment)) == 2
        acts = list(session.scalars(select(LedgerEntry.act).order_by(LedgerEntry.seq)))
        assert acts.count("record.accessioned") == 2
        assert acts[0] == "submission.opened"
        totals = dict(session.execute(select(Counter.name, Counter.value)).tuples().all())
        assert totals == {"records": 2, "versions": 2, "files": 4, "bytes": 3 * 103 + 13}
        counts = session.scalars(select(Submission.counts).where(Submission.id == submission_id)).one()
        assert (counts["files"], counts["records"], counts["accessioned"]) == (4, 2, 2)
    assert ("deposit.empty_folder", "空") in findings(archive, submission_id)
    object_path = tmp_path / "replicas" / "b" / version.object_key
    assert object_path.read_bytes() == (tmp_path / "replicas" / "a" / version.object_key).read_bytes()
    with zipfile.ZipFile(object_path) as opened:
        opened.extractall(tmp_path / "out")
        first = stored[0]
        data = object_path.read_bytes()[first.offset : first.offset + first.size]
        assert data == (source / "扫描" / "入户调查_01.jpg").read_bytes()
    folder = next((tmp_path / "out").iterdir())
    bag = bagit.Bag(str(folder))
    assert bag.info["Internal-Sender-Identifier"] == submission_id
    facts = RecordJson.from_bytes((folder / "metadata" / "record.json").read_bytes())
    assert [one.original_name for one in facts.files] == [one.original_name for one in stored]
    premis = read_premis((folder / "metadata" / "premis.xml").read_bytes())
    assert [one.id for one in premis.files] == [one.id for one in stored]
    assert {event.type for event in premis.events} >= {"capture", "ingestion", "validation"}
    assert json.loads((folder / "metadata" / "findings.json").read_bytes())["submission_id"] == submission_id


def test_without_accept_it_waits(archive: Archive, deposit: Deposit, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("甲")
    _, state = deposit(tmp_path / "a.txt", accept=False)
    assert state == "waiting"
    with archive.reading() as session:
        assert session.scalar(select(func.count()).select_from(Record)) == 0
    assert not list((tmp_path / "replicas" / "a").rglob("*.zip"))
