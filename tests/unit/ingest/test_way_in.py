"""Options, decisions, faults and repeats on the way in."""

from __future__ import annotations

import json
import os
import resource
import shutil
import sqlite3
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from io import BytesIO
from pathlib import Path

import bagit
import pytest
from sqlalchemy import delete, event, func, select, update

from access.actors import SYSTEM, Actor
from ingest import decisions
from ingest.context import Context
from ingest.limits import IngestLimits
from ingest.outcome import Progress
from ingest.pipeline import STEPS, advance, run_step
from ingest.releasing import release_quarantine
from ingest.submissions import (
    finish_receiving,
    open_submission,
    read_submission,
    receipt,
    receive_path,
    receive_stream,
)
from metadata.errors import Conflict, Forbidden, Invalid, NotFound, Unavailable
from metadata.household import household_no
from metadata.idcard import check_digit
from repository import cases
from repository.archive import Archive
from repository.bag.record_json import RecordJson
from repository.bag.verify import validate
from repository.db import open_engine, open_sessions, reading_sessions
from repository.storage import layout
from repository.storage.replicas import Replicas
from repository.tables import (
    CaseFile,
    CaseRecord,
    Finding,
    Household,
    LedgerEntry,
    Record,
    RecordPlan,
    ReplicaObject,
    RetentionAssignment,
    StoredFile,
    StoredObject,
    Submission,
    SubmissionFile,
)

Deposit = Callable[..., tuple[str, str]]
NUMBER = household_no("990101001001", 7)
ID_NUMBER = "99010119900101001" + check_digit("99010119900101001")


def codes(archive: Archive, submission_id: str) -> set[str]:
    with archive.reading() as session:
        return set(session.scalars(select(Finding.code).where(Finding.submission_id == submission_id)))


def state_of(archive: Archive, submission_id: str) -> Submission:
    with archive.reading() as session:
        return read_submission(session, submission_id)


def opened(archive: Archive, actor: Actor, **options: object) -> str:
    with archive.sessions.begin() as session:
        return open_submission(
            session, archive=archive, actor=actor, organ_id=None, title="一批", channel="web", options=options
        ).id


# -- options -------------------------------------------------------------------------------------------------------


def test_a_named_household_gets_a_case_file(archive: Archive, deposit: Deposit, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("甲")
    _, state = deposit(tmp_path / "a.txt", household_no=NUMBER, programme="DB", document_type="DB-01")
    known = "DB-01" in archive.profile.document_types
    assert state == ("done" if known else "rejected")
    (tmp_path / "b.txt").write_text("乙")
    _, state = deposit(tmp_path / "b.txt", household_no=NUMBER, programme="DB")
    assert state == "done"
    with archive.reading() as session:
        case = session.scalars(select(CaseFile)).one()
        assert case.revision == 1 + known
        assert session.scalar(select(func.count()).select_from(CaseRecord)) == 1 + known
        assert session.scalars(select(Household.household_no)).one() == NUMBER
        record = session.scalars(select(Record).where(Record.title == "b")).one()
        assert (record.programme, record.division_code) == ("DB", "990101001001")


def test_wrong_options_are_findings(archive: Archive, deposit: Deposit, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("甲")
    submission_id, state = deposit(tmp_path / "a.txt", household_no="123", programme="ZZ", document_type="nonsense")
    assert state == "rejected"
    wanted = {"option.bad_household_no", "option.unknown_programme", "option.unknown_document_type"}
    assert wanted <= codes(archive, submission_id)
    with pytest.raises(Invalid, match="Unknown option"):
        deposit(tmp_path / "a.txt", surprise=True)


def test_an_unknown_organ_and_submission_are_named(archive: Archive, actor: Actor) -> None:
    with archive.sessions.begin() as session:
        with pytest.raises(NotFound):
            read_submission(session, "nothing")
        with pytest.raises(NotFound):
            open_submission(session, archive=archive, actor=actor, organ_id="nobody", title="t", channel="web")


def test_one_idempotency_key_is_one_submission(archive: Archive, actor: Actor) -> None:
    ids = set()
    for _ in range(2):
        with archive.sessions.begin() as session:
            made = open_submission(
                session, archive=archive, actor=actor, organ_id=None, title="t", channel="api", idempotency_key="k1"
            )
            ids.add(made.id)
    assert len(ids) == 1


# -- deposit lists and case files ----------------------------------------------------------------------------------


def listed(folder: Path, *, events: list[dict[str, str]], records: list[dict[str, object]]) -> Path:
    folder.mkdir()
    for record in records:
        for name in record["files"]:  # type: ignore[attr-defined]
            (folder / name).write_text(str(name))
    told = {
        "format": "lantai-deposit-list/1",
        "organ": "BUREAU",
        "case_files": [
            {
                "household_no": NUMBER,
                "division_code": "990101001001",
                "programme": "DB",
                "applicant": {"name": "张三", "id_number": ID_NUMBER},
                "members": [{"name": "李四", "id_number": ID_NUMBER, "relation": "配偶"}],
                "opened_on": "2025-03-01",
                "events": events,
            }
        ],
        "records": records,
    }
    (folder / "deposit-list.json").write_text(json.dumps(told, ensure_ascii=False))
    return folder


def test_a_list_makes_case_files_with_sealed_numbers(archive: Archive, deposit: Deposit, tmp_path: Path) -> None:
    record = {
        "title": "申请",
        "files": ["b.txt", "a.txt"],
        "household_nos": [NUMBER],
        "programme": "DB",
        "date": "2025-03-01",
    }
    confirmed = {"event": "confirmed", "on": "2025-04-01"}
    submission_id, state = deposit(listed(tmp_path / "one", events=[confirmed], records=[record]))
    assert state == "done", codes(archive, submission_id)
    with archive.reading() as session:
        household = session.scalars(select(Household)).one()
        assert household.applicant_id_sealed is not None
        assert archive.keys.unseal(household.applicant_id_sealed) == ID_NUMBER
        assert household.applicant_id_blind == archive.keys.blind(ID_NUMBER, cases.ID_NUMBER)
        case = session.scalars(select(CaseFile)).one()
        assert case.revision == 1
        assert ID_NUMBER not in json.dumps(case.state)
        frozen = session.scalars(select(StoredObject.body).where(StoredObject.kind == "case_file")).one()
        assert frozen is not None
        assert ID_NUMBER.encode() not in frozen
        stored = session.scalars(select(StoredFile).order_by(StoredFile.position)).all()
        assert [one.original_name for one in stored] == ["b.txt", "a.txt"]
        assert session.scalar(select(func.count()).select_from(RetentionAssignment)) == 1
        kept = session.scalars(select(StoredObject).where(StoredObject.kind == "bag")).one()
        for row in session.scalars(select(LedgerEntry.body)):
            assert ID_NUMBER not in row
    assert validate((archive.replicas.store("a"), kept.key)).valid
    stopped = {"event": "benefit_stopped", "on": "2025-12-31"}
    _, state = deposit(listed(tmp_path / "two", events=[confirmed, stopped], records=[]))
    assert state == "rejected"  # a list alone brings no file
    other = {"title": "通知", "files": ["n.txt"], "household_nos": [], "date": "2026-01-02"}
    _, state = deposit(listed(tmp_path / "three", events=[confirmed, stopped], records=[other]))
    assert state == "done"
    with archive.reading() as session:
        case = session.scalars(select(CaseFile)).one()
        assert case.revision == 2
        assert [one["event"] for one in case.state["events"]] == ["confirmed", "benefit_stopped"]
        governed = (RetentionAssignment.rule_id == "R01", RetentionAssignment.current)
        due = session.scalars(select(RetentionAssignment.due_on).where(*governed)).all()
        assert due == [date(2030, 12, 31)]  # the file's own paper learns of the stop that came without one


def test_records_of_a_case_stand_in_the_order_of_the_profile(
    archive: Archive, deposit: Deposit, tmp_path: Path
) -> None:
    types = [code for code in archive.profile.file_order if archive.profile.document_types[code].serves("DB")][:3]
    records: list[dict[str, object]] = [
        {"title": code, "files": [f"{code}.txt"], "document_type": code, "household_nos": [NUMBER], "programme": "DB"}
        for code in reversed(types)
    ]
    deposit(listed(tmp_path / "one", events=[], records=records[:2]))
    deposit(listed(tmp_path / "two", events=[], records=records[2:]))
    with archive.reading() as session:
        placed = select(Record.document_type).join(CaseRecord, CaseRecord.record_id == Record.id)
        assert list(session.scalars(placed.order_by(CaseRecord.position))) == types


def test_an_event_is_entered_once(archive: Archive, deposit: Deposit, actor: Actor, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("甲")
    deposit(tmp_path / "a.txt", household_no=NUMBER, programme="DB")
    with archive.sessions.begin() as session:
        case = session.scalars(select(CaseFile)).one()
        day = archive.clock.now().date()
        assert cases.record_event(session, archive=archive, actor=actor.ref, case=case, event="confirmed", on=day) == 2
        with pytest.raises(Conflict):
            cases.record_event(session, archive=archive, actor=actor.ref, case=case, event="confirmed", on=day)
        with pytest.raises(NotFound):
            cases.find_household(session, "0")


# -- read in place -------------------------------------------------------------------------------------------------


def test_in_place_keeps_no_copy(archive: Archive, deposit: Deposit, tmp_path: Path) -> None:
    source = tmp_path / "in"
    source.mkdir()
    (source / "large.bin").write_bytes(os.urandom(20 << 20))
    (source / "small.txt").write_text("小")
    submission_id, state = deposit(source, in_place=True, one_record=True)
    assert state == "done"
    assert not [one for one in (archive.quarantine / submission_id / "files").rglob("*") if one.is_file()]
    with archive.reading() as session:
        assert receipt(session, submission_id)["keep_source"] is True
        large = session.scalars(select(StoredFile).where(StoredFile.original_name == "large.bin")).one()
        assert large.chunk_sha256 is not None
        assert len(large.chunk_sha256) == 64
        kept = session.scalars(select(StoredObject).where(StoredObject.kind == "bag")).one()
    assert validate((archive.replicas.store("b"), kept.key)).valid
    facts = RecordJson.from_bytes(_member(archive, kept.key, "metadata/record.json"))
    assert facts.files[0].chunk_sha256 is not None


def _member(archive: Archive, key: str, name: str) -> bytes:
    import zipfile

    with zipfile.ZipFile(BytesIO(b"".join(archive.replicas.store("a").read(key)))) as opened:
        return opened.read(next(one for one in opened.namelist() if one.endswith(name)))


@pytest.mark.parametrize("change", ["rewrite", "remove", "same-size-same-time"])
def test_a_source_that_changes_is_a_finding(
    archive: Archive, actor: Actor, context: Context, tmp_path: Path, change: str
) -> None:
    source = tmp_path / "a.txt"
    source.write_text("甲")
    submission_id = opened(archive, actor, in_place=True, accept=True)
    receive_path(archive, submission_id, [source], in_place=True)
    for step in ("examine", "accept", "package"):
        while run_step(step, context, submission_id).progress is Progress.MORE:
            pass
    before = source.stat()
    if change == "rewrite":
        source.write_text("乙丙")
    elif change == "remove":
        source.unlink()
    else:
        source.write_text("乙")
        os.utime(source, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert advance(context, submission_id) == "rejected"
    assert codes(archive, submission_id) == {"source.missing" if change == "remove" else "source.changed"}
    assert not list((tmp_path / "replicas").rglob("*.zip"))
    with archive.reading() as session:
        assert session.scalar(select(func.count()).select_from(Record)) == 0


# -- uploads -------------------------------------------------------------------------------------------------------


def test_uploads_are_received_one_by_one(archive: Archive, actor: Actor, context: Context) -> None:
    submission_id = opened(archive, actor, accept=True)
    assert run_step("examine", context, submission_id).progress is Progress.WAITING
    assert receive_stream(archive, submission_id, "表/申请.txt", BytesIO("申请".encode())) == 6
    assert receive_stream(archive, submission_id, "../../逃.txt", BytesIO(b"x")) == 1
    with pytest.raises(Unavailable):
        receive_stream(archive, submission_id, "断.txt", _Broken())  # type: ignore[arg-type]
    for _ in range(2):
        with archive.sessions.begin() as session:
            finish_receiving(session, archive=archive, submission_id=submission_id)
    with pytest.raises(Conflict):
        receive_stream(archive, submission_id, "late.txt", BytesIO(b"late"))
    with archive.reading() as session:
        paper = receipt(session, submission_id)
    assert (paper["files"], paper["bytes"], paper["keep_source"]) == (2, 7, False)
    assert len(paper["files_sha256"]) == 64
    assert advance(context, submission_id) == "done"
    with archive.reading() as session:
        paths = set(session.scalars(select(StoredFile.path)))
    assert all(path.startswith("data/") and ".." not in path for path in paths)


class _Broken:
    def readinto(self, _buffer: memoryview) -> int:
        raise OSError("broken")


# -- decisions -----------------------------------------------------------------------------------------------------


def test_a_person_accepts(archive: Archive, deposit: Deposit, actor: Actor, context: Context, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("甲")
    submission_id, state = deposit(tmp_path / "a.txt", accept=False)
    assert state == "waiting"
    with archive.sessions.begin() as session, pytest.raises(Forbidden):
        decisions.accept(session, archive=archive, actor=SYSTEM, submission_id=submission_id)
    with archive.sessions.begin() as session:
        decisions.accept(session, archive=archive, actor=actor, submission_id=submission_id)
    with archive.sessions.begin() as session, pytest.raises(Conflict):
        decisions.accept(session, archive=archive, actor=actor, submission_id=submission_id)
    assert advance(context, submission_id) == "done"
    assert advance(context, submission_id) == "done"
    with archive.reading() as session:
        assert session.scalar(select(func.count()).select_from(Record)) == 1
        assert "submission.accepted" in set(session.scalars(select(LedgerEntry.act)))


def test_a_return_lists_everything(
    archive: Archive, deposit: Deposit, actor: Actor, context: Context, tmp_path: Path
) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.txt").write_bytes(b"")
    (tmp_path / "in" / "l").symlink_to("/tmp")
    submission_id, state = deposit(tmp_path / "in")
    assert state == "rejected"
    with archive.sessions.begin() as session:
        told = decisions.return_to_depositor(
            session, archive=archive, actor=actor, submission_id=submission_id, reason="缺件"
        )
    assert [one["code"] for one in told["findings"]] == ["deposit.link", "file.empty"]
    assert told["reason"] == "缺件"
    assert all(one["zh"] and one["en"] for one in told["findings"])
    assert advance(context, submission_id) == "returned"
    with archive.sessions.begin() as session, pytest.raises(Conflict):
        decisions.return_to_depositor(session, archive=archive, actor=actor, submission_id=submission_id)
    with archive.reading() as session:
        kinds = session.scalars(select(StoredObject.key).where(StoredObject.kind == "entity")).all()
        assert any(key.startswith("e/submission/") for key in kinds)


# -- faults and repeats --------------------------------------------------------------------------------------------


def test_a_replica_that_refuses_is_waited_for_and_loses_nothing(
    archive: Archive, actor: Actor, context: Context, tmp_path: Path
) -> None:
    (tmp_path / "a.txt").write_text("甲")
    shutil.rmtree(tmp_path / "replicas" / "b")
    submission_id = opened(archive, actor, accept=True)
    receive_path(archive, submission_id, [tmp_path / "a.txt"])
    with pytest.raises(Unavailable):
        advance(context, submission_id)
    found = state_of(archive, submission_id)
    assert (found.state, found.step, found.attempts) == ("storing", "store", 0)
    assert found.error is not None
    assert "b" in found.error["en"]
    with archive.reading() as session:
        assert session.scalar(select(func.count()).select_from(Record)) == 0
    (tmp_path / "replicas" / "b").mkdir()
    assert advance(context, submission_id) == "done"
    assert state_of(archive, submission_id).error is None
    with archive.reading() as session:
        kept = session.scalars(select(StoredObject).where(StoredObject.kind == "bag")).one()
    one, two = (b"".join(archive.replicas.store(name).read(kept.key)) for name in ("a", "b"))
    assert one == two


def test_a_retry_writes_the_same_bytes(archive: Archive, actor: Actor, context: Context, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("甲")
    submission_id = opened(archive, actor, accept=True)
    receive_path(archive, submission_id, [tmp_path / "a.txt"])
    for step in ("examine", "accept", "package"):
        while run_step(step, context, submission_id).progress is Progress.MORE:
            pass
    run_step("store", context, submission_id)
    with archive.sessions.begin() as session:  # as if the process had died before the row was committed
        session.execute(update(RecordPlan).values(state="frozen"))
        record_id = session.scalars(select(RecordPlan.record_id)).one()
    key = layout.bag_key(record_id, 1)
    before = (tmp_path / "replicas" / "a" / key).stat()
    fresh = Context.open(archive, IngestLimits(), checks=context.checks)
    assert advance(fresh, submission_id) == "done"
    assert (tmp_path / "replicas" / "a" / key).stat().st_ino == before.st_ino
    with archive.reading() as session:
        assert session.scalar(select(func.count()).select_from(Record)) == 1
    for step in STEPS:
        assert run_step(step.name, fresh, submission_id).progress is Progress.PASSED


def test_a_killed_receiving_begins_anew(archive: Archive, actor: Actor, context: Context, tmp_path: Path) -> None:
    for name in ("a.txt", "b.txt"):
        (tmp_path / name).write_text(name)
    submission_id = opened(archive, actor, accept=True)
    receive_path(archive, submission_id, [tmp_path / "a.txt"])
    with archive.sessions.begin() as session:  # as if the process had died before the last commit
        session.execute(update(Submission).values(state="receiving", step=""))
    receive_path(archive, submission_id, [tmp_path / "a.txt", tmp_path / "b.txt"])
    receive_path(archive, submission_id, [tmp_path / "a.txt"])  # ended already: nothing happens
    with archive.reading() as session:
        assert session.scalar(select(func.count()).select_from(SubmissionFile)) == 2
    assert advance(context, submission_id) == "done"


def test_a_submission_that_kills_its_worker_is_set_aside(
    archive: Archive, actor: Actor, context: Context, tmp_path: Path
) -> None:
    (tmp_path / "a.txt").write_text("甲")
    submission_id = opened(archive, actor, accept=True)
    receive_path(archive, submission_id, [tmp_path / "a.txt"])
    with archive.sessions.begin() as session:
        submission = read_submission(session, submission_id)
        submission.counts = {**submission.counts, "starts": context.limits.starts}
    assert advance(context, submission_id) == "failed"
    found = state_of(archive, submission_id)
    assert found.error is not None
    assert found.error["code"] == "submission.kills_worker"
    with archive.sessions.begin() as session:
        decisions.resume(session, archive=archive, actor=actor, submission_id=submission_id)
    assert advance(context, submission_id) == "done"


def test_a_submission_whose_file_list_is_lost_never_ends_as_done(
    archive: Archive, actor: Actor, context: Context, tmp_path: Path
) -> None:
    (tmp_path / "a.txt").write_text("甲")
    submission_id = opened(archive, actor, accept=True)
    receive_path(archive, submission_id, [tmp_path / "a.txt"])
    with archive.sessions.begin() as session:  # as a rebuild leaves a submission that had been set aside
        session.execute(delete(SubmissionFile))
        session.execute(update(Submission).values(state="failed", step="store"))
    with archive.sessions.begin() as session, pytest.raises(Conflict) as told:
        decisions.resume(session, archive=archive, actor=actor, submission_id=submission_id)
    assert told.value.code == "submission.rows_lost"


def test_quarantine_is_released_after_the_first_audit(archive: Archive, deposit: Deposit, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("甲")
    submission_id, _ = deposit(tmp_path / "a.txt")
    assert release_quarantine(archive) == 0
    with archive.sessions.begin() as session:
        session.execute(update(ReplicaObject).where(ReplicaObject.replica == "a").values(outcome="intact"))
    assert release_quarantine(archive) == 0
    assert (archive.quarantine / submission_id).is_dir()
    with archive.sessions.begin() as session:
        session.execute(update(ReplicaObject).values(outcome="intact"))
    fewer = Replicas([archive.replicas.store("a")])  # a process whose settings lack b
    with archive.sessions.begin() as session:
        session.execute(update(ReplicaObject).where(ReplicaObject.replica == "b").values(outcome=None))
    assert release_quarantine(replace(archive, replicas=fewer)) == 0
    with archive.sessions.begin() as session:
        session.execute(update(ReplicaObject).values(outcome="intact"))
    assert release_quarantine(archive) == 1
    assert not (archive.quarantine / submission_id).exists()
    assert release_quarantine(archive) == 0


def test_the_same_content_again_is_a_warning(archive: Archive, deposit: Deposit, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("甲")
    deposit(tmp_path / "a.txt")
    submission_id, state = deposit(tmp_path / "a.txt")
    assert state == "done"
    assert codes(archive, submission_id) == {"duplicate.in_archive"}


def test_a_full_disk_is_one_clear_line(archive: Archive, actor: Actor, context: Context, tmp_path: Path) -> None:
    (tmp_path / "big.bin").write_bytes(os.urandom(6 << 20))
    (tmp_path / "a.txt").write_text("甲")
    submission_id = opened(archive, actor, accept=True)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (3 << 20, hard))
    try:
        with pytest.raises(Unavailable) as told:
            receive_path(archive, submission_id, [tmp_path / "a.txt", tmp_path / "big.bin"])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert told.value.code == "quarantine.full"
    assert state_of(archive, submission_id).state == "receiving"
    receive_path(archive, submission_id, [tmp_path / "a.txt", tmp_path / "big.bin"])
    assert advance(context, submission_id) == "done"


def test_a_locked_database_is_tried_again(archive: Archive, actor: Actor, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("甲")
    submission_id = opened(archive, actor, accept=True)
    receive_path(archive, submission_id, [tmp_path / "a.txt"])
    engine = open_engine(f"sqlite:///{tmp_path / 'lantai.db'}", busy_seconds=0.05)
    impatient = replace(archive, sessions=open_sessions(engine), reading=reading_sessions(engine))
    context = Context.open(impatient, checks=frozenset())
    with sqlite3.connect(tmp_path / "lantai.db", isolation_level=None) as other:
        other.execute("BEGIN IMMEDIATE")
        outcome = run_step("examine", context, submission_id)
        assert (outcome.progress, outcome.reason) == (Progress.RETRY, "database.locked")
        with pytest.raises(Unavailable):
            advance(context, submission_id)
        other.execute("ROLLBACK")
    other.close()
    assert advance(context, submission_id) == "done"
    engine.dispose()


def test_transactions_count_batches_not_records(archive: Archive, deposit: Deposit, tmp_path: Path) -> None:
    commits: list[int] = []
    with archive.sessions() as session:
        event.listen(session.get_bind(), "commit", lambda _connection: commits.append(1))
    counted = []
    for records in (2, 40):
        folder = tmp_path / str(records)
        folder.mkdir()
        for number in range(records):
            (folder / f"件{number}甲.txt").write_text(f"{records} {number}")
        before = len(commits)
        _, state = deposit(folder)
        assert state == "done"
        counted.append(len(commits) - before)
    assert counted[0] == counted[1]


def test_a_deposited_bag_keeps_its_tag_files(archive: Archive, deposit: Deposit, tmp_path: Path) -> None:
    root = tmp_path / "旧包"
    (root / "子").mkdir(parents=True)
    (root / "子" / "b.txt").write_text("乙")
    bagit.make_bag(str(root), {"Source-Organization": "测试"}, checksums=["md5"])
    _, state = deposit(root)
    assert state == "done"
    with archive.reading() as session:
        kept = session.scalars(select(StoredObject).where(StoredObject.kind == "bag")).one()
        stored = session.scalars(select(StoredFile)).one()
    assert (stored.path, stored.original_name) == ("data/子/b.txt", "data/子/b.txt")
    assert b"Source-Organization" in _member(archive, kept.key, "metadata/deposit/bag-info.txt")
    assert b"data/" in _member(archive, kept.key, "metadata/deposit/manifest-md5.txt")
    assert validate((archive.replicas.store("a"), kept.key)).valid
