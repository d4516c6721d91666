"""Partial acceptance: what has faults stays out and stays in quarantine; the rest goes on, where that was agreed."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path

import bagit
import pytest
from sqlalchemy import func, select, update

from access.actors import Actor
from ingest import decisions, deposit_list, quarantine
from ingest.context import Context
from ingest.pipeline import advance
from ingest.releasing import release_quarantine
from ingest.submissions import receipt
from metadata.errors import Conflict
from repository.archive import Archive
from repository.status import status
from repository.tables import (
    Finding,
    Record,
    RecordPlan,
    ReplicaObject,
    StoredFile,
    StoredObject,
    Submission,
    SubmissionFile,
)
from tests.services.clamd import EICAR
from tests.services.clamd import Clamd as RunningClamd

Deposit = Callable[..., tuple[str, str]]


@pytest.fixture
def mixed(tmp_path: Path) -> Path:
    """A good paper, a bag with a changed payload, a package that leads out of its folder."""
    folder = tmp_path / "材料"
    folder.mkdir()
    (folder / "申请书.txt").write_text("申请书", encoding="utf-8")
    bag = folder / "包"
    bag.mkdir()
    (bag / "a.txt").write_text("甲", encoding="utf-8")
    bagit.make_bag(str(bag), {}, checksums=["sha256"])
    (bag / "data" / "a.txt").write_text("乙", encoding="utf-8")
    with zipfile.ZipFile(folder / "坏.zip", "w") as packed:
        packed.writestr("../out.txt", "out")
    return folder


def kept(archive: Archive) -> list[str]:
    """Original names of everything in the catalogue."""
    with archive.reading() as session:
        return sorted(session.scalars(select(StoredFile.original_name)))


def findings(archive: Archive, submission_id: str, code: str) -> list[tuple[str | None, str | None]]:
    """Path and record of the findings with ``code``."""
    with archive.reading() as session:
        wanted = select(Finding.path, Finding.record_id).where(
            Finding.submission_id == submission_id, Finding.code == code
        )
        return [tuple(one) for one in session.execute(wanted)]


def test_without_the_option_everything_is_kept_back(deposit: Deposit, archive: Archive, mixed: Path) -> None:
    submission_id, state = deposit(mixed)
    assert state == "rejected"
    assert kept(archive) == []
    assert findings(archive, submission_id, "record.left_out") == []


def test_with_the_option_the_good_ones_go_on(deposit: Deposit, archive: Archive, mixed: Path) -> None:
    submission_id, state = deposit(mixed, leave_out=True)
    assert state == "done"
    assert kept(archive) == ["申请书.txt"]
    told = findings(archive, submission_id, "record.left_out")
    assert [path for path, _ in told if path is not None and path.startswith("包")]
    assert ("坏.zip", None) in told
    with archive.reading() as session:
        submission = session.scalars(select(Submission).where(Submission.id == submission_id)).one()
        states = dict(session.execute(select(RecordPlan.state, func.count()).group_by(RecordPlan.state)).tuples().all())
        paper = receipt(session, submission_id)
        objects = session.scalar(select(func.count()).select_from(StoredObject).where(StoredObject.kind == "bag"))
    assert submission.counts["left_out"] == 2
    assert states == {"left_out": 1, "accessioned": 1}
    assert objects == 1
    assert paper["left_out"] == ["包/data/a.txt", "坏.zip"]
    assert status(archive)["strays"] == 0


def test_an_archivist_may_take_the_good_ones_of_a_refused_deposit(
    deposit: Deposit, archive: Archive, context: Context, actor: Actor, mixed: Path
) -> None:
    submission_id, state = deposit(mixed, accept=False)
    assert state == "rejected"
    common = {"archive": archive, "actor": actor, "submission_id": submission_id}
    with pytest.raises(Conflict, match="does not wait"), archive.sessions.begin() as session:
        decisions.accept(session, **common)
    with archive.sessions.begin() as session:
        decisions.accept(session, **common, leave_out=True)
    assert advance(context, submission_id) == "done"
    assert kept(archive) == ["申请书.txt"]


def test_what_was_left_out_no_longer_bars_a_deposit_that_waits(
    deposit: Deposit, archive: Archive, context: Context, actor: Actor, mixed: Path
) -> None:
    submission_id, state = deposit(mixed, accept=False, leave_out=True)
    assert state == "waiting"
    with archive.sessions.begin() as session:
        decisions.accept(session, archive=archive, actor=actor, submission_id=submission_id)
    assert advance(context, submission_id) == "done"
    assert kept(archive) == ["申请书.txt"]
    assert len(findings(archive, submission_id, "record.left_out")) == 2


def test_nothing_left_is_refused_as_a_whole(deposit: Deposit, archive: Archive, actor: Actor, mixed: Path) -> None:
    (mixed / "申请书.txt").unlink()
    submission_id, state = deposit(mixed, leave_out=True)
    assert state == "rejected"
    assert findings(archive, submission_id, "record.left_out") == []
    with pytest.raises(Conflict, match="cannot be accepted"), archive.sessions.begin() as session:
        decisions.accept(session, archive=archive, actor=actor, submission_id=submission_id, leave_out=True)


@pytest.mark.parametrize("fault", ["link", "option", "list"])
def test_an_error_about_more_than_a_record_keeps_everything_back(
    fault: str, deposit: Deposit, archive: Archive, mixed: Path
) -> None:
    options = {}
    if fault == "link":
        (mixed / "别处.txt").symlink_to("/etc/hostname")
    elif fault == "option":
        options = {"document_type": "NOPE99"}
    else:
        (mixed / deposit_list.FILE_NAME).write_text(
            '{"format": "lantai-deposit/1", "records": [{"title": 1}]}', encoding="utf-8"
        )
    _, state = deposit(mixed, leave_out=True, **options)
    assert state == "rejected"
    assert kept(archive) == []


def test_one_bad_page_keeps_its_whole_document_out(
    deposit: Deposit, archive: Archive, context: Context, clamd: RunningClamd, tmp_path: Path
) -> None:
    context.checks |= {"virus"}
    context.virus = clamd.settings
    folder = tmp_path / "材料"
    folder.mkdir()
    for number in range(1, 4):
        (folder / f"户口簿{number}.jpg").write_bytes(b"page %d" % number)
    (folder / "户口簿2.jpg").write_bytes(EICAR.encode())
    (folder / "申请书.txt").write_text("申请书", encoding="utf-8")
    submission_id, state = deposit(folder, leave_out=True)
    assert state == "done"
    assert kept(archive) == ["申请书.txt"]
    ((path, record_id),) = findings(archive, submission_id, "record.left_out")
    assert path == "户口簿2.jpg"
    with archive.reading() as session:
        assert session.get(RecordPlan, record_id).state == "left_out"  # type: ignore[union-attr]  # it is there
        assert receipt(session, submission_id)["left_out"] == [f"户口簿{number}.jpg" for number in range(1, 4)]


def test_the_bytes_of_what_was_left_out_stay_in_quarantine(deposit: Deposit, archive: Archive, mixed: Path) -> None:
    submission_id, _ = deposit(mixed, leave_out=True)
    assert release_quarantine(archive) == 0
    with archive.sessions.begin() as session:
        session.execute(update(ReplicaObject).values(outcome="intact"))
    assert release_quarantine(archive) == 1
    base = quarantine.folder(archive.quarantine, submission_id)
    with archive.reading() as session:
        rows = session.scalars(select(SubmissionFile).where(SubmissionFile.submission_id == submission_id)).all()
        assert session.scalars(select(Record.id)).one()
    there = {row.path for row in rows if (base / row.source).exists()}
    assert there == {row.path for row in rows} - {"申请书.txt"}
    assert release_quarantine(archive) == 0


def test_a_left_out_source_may_change_where_it_lies(
    deposit: Deposit, archive: Archive, context: Context, actor: Actor, mixed: Path
) -> None:
    submission_id, state = deposit(mixed, accept=False, leave_out=True, in_place=True)
    assert state == "waiting"
    (mixed / "包" / "data" / "a.txt").write_text("改正", encoding="utf-8")
    with archive.sessions.begin() as session:
        decisions.accept(session, archive=archive, actor=actor, submission_id=submission_id)
    assert advance(context, submission_id) == "done"
    assert kept(archive) == ["申请书.txt"]
