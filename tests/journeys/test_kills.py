"""``kill -9`` at random moments: every submission ends exactly once, no row without bytes."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import time
from pathlib import Path

import pytest

from tests.journeys.commands import Commands


def _kill_during(lantai: Commands, folder: Path, kills: int, seed: int) -> None:
    rng = random.Random(seed)
    lantai.environment["LANTAI_WORKER_TTL_SECONDS"] = "2"
    submitted = lantai.json("ingest", folder, "--accept")
    for _ in range(kills):
        worker = lantai.start("worker")
        time.sleep(rng.uniform(0.9, 4.0))
        os.kill(worker.pid, signal.SIGKILL)
        worker.wait()
    worker = lantai.start("worker")
    try:
        deadline = time.monotonic() + 600
        while True:
            status = lantai.json("status")
            done = status["submissions"].get("done", 0)
            if done == 1 and status["index_lag"] in (0, {"entries": 0}):
                break
            assert time.monotonic() < deadline, status
            time.sleep(1)
    finally:
        worker.terminate()
        worker.wait(timeout=60)
    database = sqlite3.connect(lantai.home / "lantai.db")
    ((planned,),) = database.execute(
        "select count(*) from record_plan where submission_id=?", (submitted["submission_id"],)
    )
    ((records,),) = database.execute("select count(*) from record where submission_id=?", (submitted["submission_id"],))
    assert records == planned > 0
    for key, size in database.execute("select object_key, object_size from record_version"):
        for replica in ("a", "b"):
            assert (lantai.home / "replicas" / replica / key).stat().st_size == size
    ((looks,),) = database.execute(
        "select count(*) from (select record_id from ledger_entry where act='record.accessioned' group by record_id having count(*)>1)"
    )
    assert looks == 0
    database.close()
    lantai.run("fixity", "audit", "--all", "--deep")


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1])
def test_five_kills(lantai: Commands, sample_folder: Path, seed: int) -> None:
    _kill_during(lantai, sample_folder, 5, seed)


@pytest.mark.chaos
def test_fifty_kills_over_two_hundred_households(lantai: Commands, tmp_path: Path) -> None:
    folder = tmp_path / "county"
    lantai.run("sample", folder, "--households", 200, "--seed", 11, timeout=900)
    _kill_during(lantai, folder, 50, 11)
