"""What is out for a while: the database, a replica, a disk. One clear line each, nothing lost, and then it goes on."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from tests.journeys.disks import remount, small_disk
from tests.journeys.warm import FEW_PAPERS, WarmCommands

Papers = Callable[[], Path]
UNAVAILABLE = 69


@pytest.fixture
def lantai(lantai: WarmCommands) -> WarmCommands:
    """A fresh site with few papers."""
    lantai.environment.update(FEW_PAPERS)
    return lantai


@contextmanager
def _locked(home: Path) -> Iterator[None]:
    other = sqlite3.connect(home / "lantai.db", isolation_level=None, timeout=20)
    other.execute("BEGIN EXCLUSIVE")
    try:
        yield
    finally:
        other.execute("ROLLBACK")
        other.close()


def _one_sentence(told: subprocess.CompletedProcess[str], word: str) -> None:
    """One sentence in two languages, nothing else: what a person can act on."""
    lines = [line for line in told.stderr.splitlines() if not line.startswith("replica ")]
    assert len(lines) == 2, told.stderr
    assert word in lines[1], told.stderr


def _submission_states(lantai: WarmCommands) -> dict[str, int]:
    with closing(sqlite3.connect(f"file:{lantai.home / 'lantai.db'}?mode=ro", uri=True)) as database:
        return dict(database.execute("select state, count(*) from submission group by state"))


def _finish(lantai: WarmCommands, *, submissions: int, seconds: float = 90) -> None:
    """A worker carries on what waits; then every replica holds every object whole."""
    worker = lantai.start("worker")
    try:
        deadline = time.monotonic() + seconds
        while _submission_states(lantai).get("done", 0) < submissions:
            assert time.monotonic() < deadline, lantai.json("status")
            assert worker.poll() is None
            time.sleep(0.2)
    finally:
        worker.terminate()
        told = worker.communicate(timeout=60)[0]
    assert "Traceback" not in told, told
    lantai.run("ledger", "seal")
    lantai.run("fixity", "audit", "--all", "--deep")
    lantai.run("ledger", "verify")
    status = lantai.json("status")
    assert status["strays"] == 0
    assert [one["pending"] for one in status["replicas"]] == [0, 0]


def _bytes_in_quarantine(lantai: WarmCommands) -> set[bytes]:
    return {path.read_bytes() for path in (lantai.home / "quarantine").rglob("*") if path.is_file()}


def test_a_locked_database_gives_one_line_and_loses_nothing(
    lantai: WarmCommands, papers: Papers, tmp_path: Path
) -> None:
    folder = papers()
    lantai.run("ingest", folder, "--accept", "--wait")
    record_id = lantai.json("search", "*")["hits"][0]["record_id"]
    lantai.run("ledger", "seal")
    lantai.environment["LANTAI_BUSY_SECONDS"] = "1"
    before = lantai.json("status")
    writing = (
        ("ingest", folder, "--accept", "--wait"),
        ("record", "show", record_id),
        ("record", "export", record_id, tmp_path / "out"),
        ("search", "档案"),
        ("retention", "due"),  # its titles are a look, which is entered
        ("fixity", "audit", "--all"),
        ("fixity", "repair"),
        ("ledger", "seal"),
        ("ledger", "export", tmp_path / "ledger"),
        ("index", "rebuild"),
        ("account", "create", "reader", "--name", "读者", "--role", "archivist"),
        ("account", "reset", "nobody"),
        ("rebuild", "--from", "b"),
    )
    with _locked(lantai.home):
        for arguments in writing:
            told = lantai.run(*arguments, expect=UNAVAILABLE)
            _one_sentence(told, "database")
        _one_sentence(lantai.cold.run("ingest", folder, "--accept", expect=UNAVAILABLE), "database")
        for reading in (("status",), ("ledger", "verify")):
            lantai.run(*reading)  # who only reads does not wait
    after = lantai.json("status")
    for name in ("records", "versions", "files", "bytes", "submissions", "ledger"):
        assert after[name] == before[name], name
    assert not (tmp_path / "out").exists()
    lantai.run("ingest", folder, "--accept", "--wait")
    lantai.run("fixity", "audit", "--all", "--deep")


def test_a_database_locked_while_a_worker_works_only_delays(lantai: WarmCommands, sample_folder: Path) -> None:
    lantai.environment["LANTAI_BUSY_SECONDS"] = "1"
    submitted = lantai.json("ingest", sample_folder, "--accept")
    worker = lantai.start("worker")
    try:
        for _ in range(3):
            time.sleep(2)
            with _locked(lantai.home):
                time.sleep(3)
    finally:
        worker.terminate()
        told = worker.communicate(timeout=60)[0]
    assert "Traceback" not in told, told
    _finish(lantai, submissions=1)
    assert lantai.json("status")["files"] == submitted["counts"]["files"] - 1, "all but the deposit list"


def test_a_worker_that_starts_while_the_database_is_held_waits(lantai: WarmCommands, papers: Papers) -> None:
    lantai.environment["LANTAI_BUSY_SECONDS"] = "1"
    lantai.run("ingest", papers(), "--accept")
    with sqlite3.connect(lantai.home / "lantai.db", isolation_level=None) as other:
        other.execute("BEGIN IMMEDIATE")
        worker = lantai.cold.start("worker")
        assert worker.stdout is not None
        for _ in range(2):  # it says so, and tries again
            told = next((line for line in worker.stdout if "waits to start" in line), "")
            assert "Another process holds the database" in told or "数据库正被另一个进程占用" in told, told
        assert worker.poll() is None
        other.execute("ROLLBACK")
    other.close()
    try:
        deadline = time.monotonic() + 120
        while _submission_states(lantai) != {"done": 1}:
            assert time.monotonic() < deadline, lantai.json("status")
            assert worker.poll() is None
            time.sleep(1)
    finally:
        worker.terminate()
        words = worker.communicate(timeout=60)[0]
    assert "Traceback" not in words, words


def test_a_worker_that_is_told_to_end_while_it_waits_to_start_ends_in_order(lantai: WarmCommands) -> None:
    lantai.environment["LANTAI_BUSY_SECONDS"] = "1"
    with _locked(lantai.home):
        worker = lantai.cold.start("worker")
        assert worker.stdout is not None
        assert any("waits to start" in line for line in worker.stdout)
        worker.terminate()
        words = worker.communicate(timeout=60)[0]
    assert worker.returncode == 0, words
    assert "Traceback" not in words, words


def test_a_deposit_whose_job_was_never_enqueued_is_carried_on(lantai: WarmCommands, papers: Papers) -> None:
    lantai.run("ingest", papers(), "--accept")
    with sqlite3.connect(lantai.home / "lantai.db") as database:  # as if the process had died between two commits
        database.execute("delete from workflow_status")
        database.execute("update submission set updated_at = datetime('now', '-1 hour')")
    database.close()
    _finish(lantai, submissions=1, seconds=150)


def test_a_replica_that_vanished_is_waited_for(lantai: WarmCommands, papers: Papers) -> None:
    folder = papers()
    away = lantai.home / "away"
    replica = lantai.home / "replicas" / "b"
    replica.rename(away)
    given = {path.read_bytes() for path in folder.iterdir()}
    told = lantai.run("ingest", folder, "--accept", "--wait", expect=UNAVAILABLE)
    _one_sentence(told, "store b")
    assert given <= _bytes_in_quarantine(lantai)
    assert not replica.exists(), "a folder that is not there is never made again: a disk may not be mounted"
    assert lantai.json("status")["records"] == 0
    lantai.run("fixity", "audit", "--all", expect=2)
    replica.mkdir()  # the empty mount point of a disk that is not there
    told = lantai.run("ledger", "verify", expect=(0, UNAVAILABLE))
    assert not list(replica.iterdir())
    reachable = {one["name"]: one["reachable"] for one in lantai.json("status")["replicas"]}
    assert reachable == {"a": True, "b": False}, "an empty mount point is no replica"
    replica.rmdir()
    away.rename(replica)
    _finish(lantai, submissions=1)


def test_a_worker_takes_a_replica_up_that_comes_back(lantai: WarmCommands, papers: Papers) -> None:
    replica = lantai.home / "replicas" / "b"
    replica.rename(lantai.home / "away")
    lantai.run("ingest", papers(), "--accept")
    worker = lantai.start("worker")
    try:
        time.sleep(10)
        assert worker.poll() is None
        assert _submission_states(lantai) != {"done": 1}
        (lantai.home / "away").rename(replica)
        deadline = time.monotonic() + 90
        while _submission_states(lantai) != {"done": 1}:
            assert time.monotonic() < deadline, lantai.json("status")
            time.sleep(1)
    finally:
        worker.terminate()
        worker.communicate(timeout=60)
    _finish(lantai, submissions=1)


def test_a_read_only_replica_is_waited_for(lantai: WarmCommands, papers: Papers) -> None:
    folder = papers()
    replica = lantai.home / "replicas" / "b"
    with small_disk(replica, "64m"):
        remount(replica, "ro")
        told = lantai.run("ingest", folder, "--accept", "--wait", expect=UNAVAILABLE)
        _one_sentence(told, "read-only")
        assert {path.read_bytes() for path in folder.iterdir()} <= _bytes_in_quarantine(lantai)
        lantai.run("ledger", "verify")
        lantai.run("fixity", "audit", "--all", expect=(0, 2))
        remount(replica, "rw")
        _finish(lantai, submissions=1)


def test_a_full_replica_is_waited_for(lantai: WarmCommands, tmp_path: Path) -> None:
    folder = tmp_path / "large"
    folder.mkdir()
    for name in ("一.bin", "二.bin"):
        (folder / name).write_bytes(os.urandom(6 << 20))
    replica = lantai.home / "replicas" / "b"
    with small_disk(replica, "8m"):
        told = lantai.run("ingest", folder, "--accept", "--wait", expect=UNAVAILABLE)
        _one_sentence(told, "full")
        assert {path.read_bytes() for path in folder.iterdir()} <= _bytes_in_quarantine(lantai)
        assert lantai.json("status")["records"] == 0
        assert not list((replica / ".tmp").iterdir()), "what did not fit leaves no litter on a full disk"
        remount(replica, "size=64m")
        _finish(lantai, submissions=1)


def test_a_full_quarantine_refuses_the_deposit_and_keeps_the_source(lantai: WarmCommands, tmp_path: Path) -> None:
    folder = tmp_path / "large"
    folder.mkdir()
    (folder / "大.bin").write_bytes(os.urandom(6 << 20))
    with small_disk(lantai.home / "quarantine", "2m"):
        told = lantai.cold.run("ingest", folder, "--accept", "--wait", expect=UNAVAILABLE)
        _one_sentence(told, "full")
        assert lantai.json("status")["records"] == 0
        remount(lantai.home / "quarantine", "size=64m")
        lantai.run("ingest", folder, "--accept", "--wait")
    assert lantai.json("status")["records"] == 1
