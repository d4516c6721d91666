"""Thousands of damaged files, deposited a hundred at a time: whatever comes of them, every one is accounted for.

``LANTAI_FUZZ_SEED`` goes on from a seed that a failure named; ``LANTAI_FUZZ_FILES`` changes how many there are.
"""

from __future__ import annotations

import hashlib
import logging
import os
import shutil
import tempfile
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import psutil
import pytest
from sqlalchemy import Engine, select

from access.actors import console_actor
from ingest.context import Context
from ingest.limits import IngestLimits
from ingest.pipeline import advance
from ingest.pool import CheckPool
from ingest.submissions import open_submission, receive_path
from repository.archive import Archive
from repository.bag.verify import validate
from repository.clock import FixedClock
from repository.tables import RecordPlan, Submission, SubmissionFile
from tests.archives import bureau_archive
from tests.corpus.cases import emptied, lasting_engine
from tests.corpus.mutation import damaged, damaged_deposit, files_of

Fresh = Callable[[], Engine]

BATCH = 100
TENTH = 10
ENDS = {"waiting", "rejected", "done"}
LIMITS = IngestLimits(check_seconds=20.0, container_seconds=20.0, container_ratio_from=16 << 20)


@pytest.fixture
def pool(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[CheckPool]:
    """Check processes with a folder of their own for temporary files, in which nothing may be left."""
    (tmp_path / "scratch").mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "scratch"))
    monkeypatch.setattr(tempfile, "tempdir", None)
    before = set(psutil.Process().children())
    made = CheckPool(2, memory_bytes=4 << 30, seconds=20, batch=16)
    yield made
    made.close()
    assert not list((tmp_path / "scratch").iterdir()), "temporary files were left behind"
    assert set(psutil.Process().children()) <= before, "a process was left behind"


@pytest.fixture
def fresh(tmp_path: Path, sqlite_template: Path) -> Iterator[Fresh]:
    """Gives a fresh database with all tables for each deposit."""
    with lasting_engine(tmp_path / "lantai.db") as engine:
        yield partial(emptied, engine, sqlite_template)


def test_three_hundred(tmp_path: Path, fresh: Fresh, pool: CheckPool, caplog: pytest.LogCaptureFixture) -> None:
    run(tmp_path, fresh, pool, caplog, seed=0, files=300)


@pytest.mark.fuzz
def test_ten_thousand(tmp_path: Path, fresh: Fresh, pool: CheckPool, caplog: pytest.LogCaptureFixture) -> None:
    seed = int(os.environ.get("LANTAI_FUZZ_SEED", "1000"))
    run(tmp_path, fresh, pool, caplog, seed=seed, files=int(os.environ.get("LANTAI_FUZZ_FILES", "10000")))


def run(
    folder: Path, fresh: Fresh, pool: CheckPool, caplog: pytest.LogCaptureFixture, *, seed: int, files: int
) -> None:
    """The files of ``files`` seeds from ``seed`` on, ``BATCH`` to a deposit, and after each some whole deposits."""
    for first in range(seed, seed + files, BATCH):
        seeds = range(first, min(first + BATCH, seed + files))
        try:
            states = [_one_run(folder / "loose", fresh(), pool, caplog, partial(_loose, seeds), alone=first % 200 != 0)]
            for number in seeds[: len(seeds) // TENTH]:
                whole = partial(_whole, number)
                states.append(_one_run(folder / "whole", fresh(), pool, caplog, whole, alone=False))
        except BaseException:
            print(f"LANTAI_FUZZ_SEED={first} makes it again")
            raise
        print(f"seeds {first}-{seeds[-1]}: {states[0]}; {dict(Counter(states[1:]))}", flush=True)


def _loose(seeds: range, folder: Path) -> tuple[Path, dict[str, object]]:
    source = folder / "in"
    source.mkdir()
    for seed in seeds:
        name, data = damaged(seed)
        path = os.fsencode(source) + f"/{seed}-".encode() + name.encode("utf-8", "ignore")[-200:]
        Path(os.fsdecode(path)).write_bytes(data)
    return source, {}


def _whole(seed: int, folder: Path) -> tuple[Path, dict[str, object]]:
    made, case = damaged_deposit(seed, folder)
    options: dict[str, object] = case.expected.get("options", {})
    return made, options


def _one_run(
    folder: Path,
    engine: Engine,
    pool: CheckPool,
    caplog: pytest.LogCaptureFixture,
    make: Callable[[Path], tuple[Path, dict[str, object]]],
    *,
    alone: bool,
) -> str:
    """One deposit in an archive of its own; ``alone``: what has errors is left out and the rest goes on."""
    (folder / "made").mkdir(parents=True)
    caplog.clear()
    source, options = make(folder / "made")
    state = _deposit(folder, engine, pool, source, {"accept": True, "leave_out": alone} | options)
    loud = [one for one in caplog.records if one.levelno >= logging.ERROR or one.exc_info]
    assert not loud, f"{loud[0].getMessage()}\n{caplog.text[-3000:]}"
    shutil.rmtree(folder)
    return state


def _deposit(folder: Path, engine: Engine, pool: CheckPool, source: Path, options: dict[str, object]) -> str:
    given = Counter(hashlib.sha256(Path(os.fsdecode(one)).read_bytes()).hexdigest() for one in files_of(source))
    archive = bureau_archive(folder, engine, FixedClock())
    with archive.sessions.begin() as session:
        actor = console_actor(session, archive.profile, "fuzz")
        opened = open_submission(
            session, archive=archive, actor=actor, organ_id=None, title="fuzz", channel="cli", options=options
        )
        submission_id = opened.id
    receive_path(archive, submission_id, [source], limits=LIMITS)
    context = Context.open(archive, LIMITS, pool=pool)
    try:
        state = advance(context, submission_id)
    finally:
        context.close()
    _account(archive, submission_id, given)
    bags = sorted((folder / "replicas" / "a").rglob("*.zip"))
    assert state == "done" or not bags, "what was refused was stored"
    for bag in bags:
        assert validate(bag).valid, bag
    _stored(archive, submission_id, bags)
    return state


def _account(archive: Archive, submission_id: str, given: Counter[str]) -> None:
    """The submission has ended, and every file that was given lies in quarantine with the digest it came with."""
    with archive.reading() as session:
        submission = session.scalars(select(Submission).where(Submission.id == submission_id)).one()
        assert submission.error is None, submission.error
        assert submission.state in ENDS, submission.state
        rows = session.scalars(select(SubmissionFile).where(SubmissionFile.submission_id == submission_id)).all()
        assert Counter(row.digests["sha256"] for row in rows if row.container is None) == given
        for row in rows:
            data = (archive.quarantine / submission_id / row.source).read_bytes()
            assert hashlib.sha256(data).hexdigest() == row.digests["sha256"], row.path
            assert len(data) == row.size


def _stored(archive: Archive, submission_id: str, bags: list[Path]) -> None:
    """Every file of a record reads back from its bag, byte for byte."""
    if not bags:
        return
    held: set[str] = set()
    for bag in bags:
        with zipfile.ZipFile(bag) as opened:
            held |= {hashlib.sha256(opened.read(one)).hexdigest() for one in opened.infolist() if not one.is_dir()}
    with archive.reading() as session:
        rows = session.scalars(select(SubmissionFile).where(SubmissionFile.submission_id == submission_id)).all()
        kept = {row.digests["sha256"] for row in rows if row.role == "payload" and row.record_id is not None}
        left_out = _left_out(archive, submission_id)
        kept -= {row.digests["sha256"] for row in rows if row.record_id in left_out}
    assert kept <= held


def _left_out(archive: Archive, submission_id: str) -> set[str]:
    with archive.reading() as session:
        plans = session.scalars(select(RecordPlan).where(RecordPlan.submission_id == submission_id))
        return {one.record_id for one in plans if one.state == "left_out"}
