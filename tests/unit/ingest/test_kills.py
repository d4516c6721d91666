"""kill -9 at any moment: run again, and every record is there exactly once with its bytes on both replicas."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
import zipfile
from pathlib import Path

from sqlalchemy import func, select

from access.actors import Actor
from ingest.context import Context
from ingest.pipeline import advance
from ingest.submissions import open_submission, receive_path
from repository.archive import Archive
from repository.bag.verify import validate
from repository.storage import layout
from repository.tables import (
    LedgerEntry,
    Outbox,
    Record,
    RecordPlan,
    ReplicaObject,
    StoredFile,
    Submission,
    SubmissionFile,
)

ROOT = Path(__file__).parents[3]
FILES = 300
CHILD = """
import sys
from pathlib import Path
from ingest.context import Context
from ingest.limits import IngestLimits
from ingest.pipeline import advance
from metadata.profile import builtin
from repository.archive import Archive
from repository.clock import SystemClock
from repository.db import open_engine, open_sessions, reading_sessions
from repository.keys import Keys
from repository.storage.local import LocalStore
from repository.storage.replicas import Replicas

root, submission_id, holding = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
engine = open_engine(f"sqlite:///{root / 'lantai.db'}")
stores = [LocalStore(name, root / "replicas" / name) for name in ("a", "b")]
archive = Archive(
    holding, "Asia/Shanghai", open_sessions(engine), reading_sessions(engine), Replicas(stores),
    Keys.open(root / "keys"), SystemClock(), builtin("social_assistance"), root / "quarantine", root / "derivatives",
)
context = Context.open(archive, IngestLimits(batch_records=20), checks=frozenset({"names", "duplicates"}))
print("ready", flush=True)
print(advance(context, submission_id), flush=True)
"""


def test_five_kills_end_exactly_once(archive: Archive, actor: Actor, context: Context, tmp_path: Path) -> None:
    source = tmp_path / "in"
    source.mkdir()
    for number in range(FILES):
        (source / f"件{number:03d}甲.txt").write_text(f"内容 {number}")
    with archive.sessions.begin() as session:
        submission_id = open_submission(
            session,
            archive=archive,
            actor=actor,
            organ_id=None,
            title="批",
            channel="console",
            options={"accept": True},
        ).id
    receive_path(archive, submission_id, [source])
    chance = random.Random(20260105)
    killed = 0
    for _ in range(5):
        with subprocess.Popen(
            [sys.executable, "-c", CHILD, str(tmp_path), submission_id, archive.holding_id],
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        ) as child:
            assert child.stdout is not None
            assert child.stdout.readline() == b"ready\n"
            time.sleep(chance.uniform(0.01, 0.5))
            killed += child.poll() is None
            child.kill()
    assert killed > 0
    assert advance(context, submission_id) == "done"
    with archive.reading() as session:
        for table in (Record, StoredFile, RecordPlan, Outbox):
            assert session.scalar(select(func.count()).select_from(table)) == FILES
        accessioned = select(func.count()).select_from(LedgerEntry).where(LedgerEntry.act == "record.accessioned")
        assert session.scalar(accessioned) == FILES
        counts = session.scalars(select(Submission.counts)).one()
        assert counts["accessioned"] == FILES
        ids = session.scalars(select(Record.id)).all()
        unwritten = select(func.count()).select_from(ReplicaObject).where(ReplicaObject.written_at.is_(None))
        assert session.scalar(unwritten.where(ReplicaObject.key.like("r/%"))) == 0
    for name in ("a", "b"):
        store = archive.replicas.store(name)
        assert {one.key for one in store.list("r/")} == {layout.bag_key(one, 1) for one in ids}
    assert all(validate((archive.replicas.store("b"), layout.bag_key(one, 1))).valid for one in ids[:20])


def _until_opening(archive: Archive) -> bool:
    """Wait until a container is half open; False when it is whole already."""
    until = time.monotonic() + 20
    while time.monotonic() < until:
        with archive.reading() as session:
            counts = session.scalars(select(Submission.counts)).one()
        if "opening" in counts:
            return True
        if "unpacked" in counts and counts["unpacked"] == counts["members"]:
            return False
        time.sleep(0.005)
    return False


def test_kills_while_a_container_is_opened_leave_no_file_twice(
    archive: Archive, actor: Actor, context: Context, tmp_path: Path
) -> None:
    content = {f"件{number:04d}甲.txt": f"内容 {number}" for number in range(1_500)}
    with zipfile.ZipFile(tmp_path / "in.zip", "w", zipfile.ZIP_DEFLATED) as out:
        for name, text in content.items():
            out.writestr(name, text)
    with archive.sessions.begin() as session:
        submission_id = open_submission(
            session,
            archive=archive,
            actor=actor,
            organ_id=None,
            title="批",
            channel="console",
            options={"accept": True, "one_record": True},
        ).id
    receive_path(archive, submission_id, [tmp_path / "in.zip"])
    code = CHILD.replace("batch_records=20", "batch_records=20, batch_seconds=0.02")
    chance = random.Random(20260105)
    opening = 0
    for _ in range(6):
        with subprocess.Popen(
            [sys.executable, "-c", code, str(tmp_path), submission_id, archive.holding_id],
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        ) as child:
            assert child.stdout is not None
            assert child.stdout.readline() == b"ready\n"
            opening += _until_opening(archive)
            time.sleep(chance.uniform(0.0, 0.05))
            child.kill()
    assert opening > 0
    assert advance(context, submission_id) == "done"
    with archive.reading() as session:
        rows = session.execute(
            select(SubmissionFile.path, SubmissionFile.source).order_by(SubmissionFile.position)
        ).all()
        counts = session.scalars(select(Submission.counts)).one()
    assert [row.path for row in rows] == ["in.zip", *content]
    assert (counts["members"], counts["unpacked"]) == (1_500, 1_500)
    base = archive.quarantine / submission_id
    assert all((base / row.source).read_text() == content[row.path] for row in rows[1:])
    assert sum(one.is_file() for one in (base / "files").rglob("*")) == 1_501
