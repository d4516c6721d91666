"""Malware is found by a real clamd; a scanner that is missing, away, slow or weak is told, and nothing hangs."""

from __future__ import annotations

import io
import os
import signal
import socket
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from ingest.checks import virus
from ingest.clamd import Clamd, ScanFailed, Version
from ingest.context import Context
from ingest.limits import IngestLimits, VirusScanner
from ingest.pipeline import advance
from metadata.errors import Unavailable
from repository.archive import Archive
from repository.bag import read
from repository.storage import layout
from repository.tables import Finding, Record, Submission, SubmissionFile
from tests.services.base import NotHere, freeze
from tests.services.clamd import EICAR
from tests.services.clamd import Clamd as RunningClamd

Deposit = Callable[..., tuple[str, str]]


def told(archive: Archive, submission_id: str) -> list[tuple[str, str | None, dict[str, Any]]]:
    """Findings about viruses."""
    with archive.reading() as session:
        found = session.scalars(select(Finding).where(Finding.submission_id == submission_id).order_by(Finding.seq))
        return [(one.code, one.path, one.params) for one in found if one.code.startswith("virus.")]


def states(archive: Archive, submission_id: str) -> dict[str, str | None]:
    """What each file's row says of its scan."""
    with archive.reading() as session:
        rows = session.scalars(select(SubmissionFile).where(SubmissionFile.submission_id == submission_id))
        return {row.path: (row.technical or {}).get("virus") for row in rows}


@pytest.fixture
def scanning(context: Context, clamd: RunningClamd) -> Context:
    """The context with the running scanner."""
    context.checks |= {"virus"}
    context.virus = clamd.settings
    return context


def written(folder: Path, **files: bytes) -> Path:
    """``folder`` with these files."""
    folder.mkdir()
    for name, data in files.items():
        (folder / name.replace("_", ".")).write_bytes(data)
    return folder


def test_malware_is_found_in_a_file_and_inside_a_package(
    scanning: Context, deposit: Deposit, archive: Archive, tmp_path: Path
) -> None:
    folder = written(tmp_path / "in", good_txt=b"good", bad_txt=EICAR.encode(), empty_txt=b"")
    with zipfile.ZipFile(folder / "all.zip", "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("inner.txt", EICAR)
        packed.writestr("fine.txt", "fine")
    submission_id, state = deposit(folder)
    assert state == "rejected"
    found = [(code, path) for code, path, _ in told(archive, submission_id)]
    assert sorted(found, key=str) == [
        ("virus.found", "all.zip/inner.txt"),
        ("virus.found", "bad.txt"),
        ("virus.weak_database", None),
    ]
    assert told(archive, submission_id)[-1][2]["name"] == "Local.Eicar.Test.UNOFFICIAL"
    answered = states(archive, submission_id)
    assert answered["bad.txt"] == answered["all.zip/inner.txt"] == "found"
    assert answered["good.txt"] == answered["empty.txt"] == answered["all.zip/fine.txt"] == "clean"
    with archive.reading() as session:
        assert session.scalars(select(Record)).all() == []
        counts = session.scalars(select(Submission.counts)).one()
    assert counts["tools"]["clamav"][0].isdigit()
    assert counts["scanned"] == 5


def test_a_clean_deposit_is_kept_with_the_scanner_named(
    scanning: Context, deposit: Deposit, archive: Archive, tmp_path: Path
) -> None:
    _, state = deposit(written(tmp_path / "in", good_txt=b"good"))
    assert state == "done"
    with archive.reading() as session:
        record_id = session.scalars(select(Record.id)).one()
    store, key = archive.replicas.stores[0], layout.bag_key(record_id, 1)
    members = {one.path: one for one in read.directory(store, key)}
    at = members["metadata/premis.xml"]
    premis = b"".join(read.read_member(store, key, at.offset, at.size)).decode()
    assert "virus check" in premis
    assert "clamav" in premis


def test_without_a_scanner_the_deposit_says_so_once(
    context: Context, deposit: Deposit, archive: Archive, tmp_path: Path
) -> None:
    context.checks |= {"virus"}
    submission_id, state = deposit(written(tmp_path / "in", a_txt=b"a", b_txt=b"b"))
    assert state == "done"
    assert told(archive, submission_id) == [("virus.not_configured", None, {})]
    with archive.reading() as session:
        outcome = session.scalars(select(Finding.outcome).where(Finding.code == "virus.not_configured")).one()
    assert outcome == "not_checked"


@pytest.mark.parametrize("address", ["unix:/nowhere/at/all", "127.0.0.1:1", "nonsense"])
def test_a_scanner_that_is_away_costs_one_finding(
    address: str, context: Context, deposit: Deposit, archive: Archive, tmp_path: Path
) -> None:
    context.checks |= {"virus"}
    context.virus = VirusScanner(address=address)
    submission_id, state = deposit(written(tmp_path / "in", a_txt=b"a", b_txt=b"b"))
    assert state == "done"
    assert told(archive, submission_id) == [("virus.unreachable", None, {"reason": "unreachable", "files": 2})]


def test_a_file_too_large_for_the_scanner_is_told_by_itself(
    scanning: Context, deposit: Deposit, archive: Archive, tmp_path: Path
) -> None:
    folder = written(tmp_path / "in", a_bin=b"a" * 2000, b_txt=b"b")
    submission_id, _ = deposit(folder, limits=IngestLimits(virus_bytes=1000))
    assert told(archive, submission_id)[1:] == [("virus.not_checked", "a.bin", {"reason": "too_large"})]
    assert states(archive, submission_id) == {"a.bin": "not_checked", "b.txt": "clean"}


def test_the_scanner_s_own_limit_is_no_pass(clamd: RunningClamd) -> None:
    asked = Clamd(clamd.settings.address, 20)
    with pytest.raises(ScanFailed, match="too_large"):
        asked.scan(io.BytesIO(bytes(6 << 20)))


def test_scans_go_on_where_they_stopped(scanning: Context, deposit: Deposit, archive: Archive, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    for number in range(300):
        (folder / f"f{number}.txt").write_bytes(b"%d" % number)
    (folder / "z.txt").write_bytes(EICAR.encode())
    submission_id, state = deposit(folder, limits=IngestLimits(batch_seconds=0.001))
    assert state == "rejected"
    assert [code for code, _, _ in told(archive, submission_id)] == ["virus.weak_database", "virus.found"]
    assert set(states(archive, submission_id).values()) == {"clean", "found"}


def test_a_scanner_that_stops_answering_does_not_hold_the_deposit(
    scanning: Context, clamd: RunningClamd, deposit: Deposit, archive: Archive, tmp_path: Path
) -> None:
    """SIGSTOP: connections are still taken by the kernel, and nothing is ever answered."""
    folder = written(tmp_path / "in", a_txt=b"a", b_txt=b"b")
    scanning.virus = VirusScanner(address=clamd.settings.address, seconds=0.5)
    freeze(clamd.pid)
    try:
        begun = time.monotonic()
        submission_id, state = deposit(folder)
    finally:
        os.kill(clamd.pid, signal.SIGCONT)
    assert time.monotonic() - begun < 30
    assert state == "done"
    assert [code for code, _, _ in told(archive, submission_id)] == ["virus.unreachable"]


def test_a_deposit_may_wait_for_a_scanner_that_is_away_and_goes_on_by_itself(
    context: Context, deposit: Deposit, archive: Archive, tmp_path: Path
) -> None:
    try:
        own = RunningClamd(tmp_path / "clamd").start()
    except NotHere as reason:
        pytest.skip(str(reason))
    context.checks |= {"virus"}
    context.virus = own.settings.model_copy(update={"when_away": "wait"})
    own.kill()
    try:
        folder = written(tmp_path / "in", bad_txt=EICAR.encode(), good_txt=b"good")
        with pytest.raises(Unavailable, match="cannot go on now"):
            deposit(folder)
        with archive.reading() as session:
            waiting = session.scalars(select(Submission)).one()
        assert waiting.error is not None
        assert waiting.error["code"] == "scanner.away"
        assert (waiting.state, waiting.attempts) == ("examining", 0), "an outage is nobody's attempt"
        assert told(archive, waiting.id) == []
        own.start()
        assert advance(context, waiting.id) == "rejected"
    finally:
        own.close()
    assert ("virus.found", "bad.txt") in [(code, path) for code, path, _ in told(archive, waiting.id)]
    assert states(archive, waiting.id) == {"bad.txt": "found", "good.txt": "clean"}


@contextmanager
def speaking(answers: dict[bytes, bytes]) -> Iterator[str]:
    """A daemon that knows a few commands, for answers that a real one gives only when it is ill."""
    server = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                connection, _ = server.accept()
            except OSError:
                return
            with connection:
                command = connection.recv(1 << 16)
                connection.sendall(next((said for told, said in answers.items() if command.startswith(told)), b""))

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield f"127.0.0.1:{server.getsockname()[1]}"
    finally:
        server.shutdown(socket.SHUT_RDWR)
        server.close()
        thread.join()


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        (b"stream: Heuristics.Limits.Exceeded.MaxFileSize FOUND\0", "limits"),
        (b"stream: Heuristics.Encrypted.PDF FOUND\0", "encrypted"),
        (b"stream: Can't allocate memory ERROR\0", "refused"),
        (b"", "unreachable"),
        (b"INSTREAM size limit exceeded. ERROR\0", "too_large"),
    ],
)
def test_what_is_neither_clean_nor_found_is_not_checked(said: bytes, reason: str) -> None:
    with speaking({b"zINSTREAM": said}) as address, pytest.raises(ScanFailed) as failed:
        Clamd(address, 2).scan(io.BytesIO(b"a"))
    assert failed.value.reason == reason


def test_a_fault_of_one_file_is_tried_again_and_told_by_itself(
    context: Context, deposit: Deposit, archive: Archive, tmp_path: Path
) -> None:
    answers = {
        b"zVERSION": b"ClamAV 1.4.6/27500/Mon Jan  5 01:00:00 2026\0",
        b"zPING": b"PONG\0",
        b"zINSTREAM": b"stream: lstat() failed. ERROR\0",
    }
    context.checks |= {"virus"}
    with speaking(answers) as address:
        context.virus = VirusScanner(address=address, seconds=2)
        submission_id, state = deposit(written(tmp_path / "in", a_txt=b"a"))
    assert state == "done"
    assert told(archive, submission_id) == [("virus.not_checked", "a.txt", {"reason": "refused"})]


def test_only_a_database_of_these_days_is_worth_something() -> None:
    now = datetime.fromisoformat("2026-01-05T01:00:00+00:00")
    configured = VirusScanner(oldest_days=14)
    day = now.replace(tzinfo=None)
    fresh = Version("ClamAV 1.4.6", "27500", day - timedelta(days=14))
    assert list(virus.signatures(fresh, configured, now)) == []
    assert str(fresh) == "1.4.6/27500/2025-12-22"
    old = Version("ClamAV 1.4.6", "27300", day - timedelta(days=15))
    assert next(iter(virus.signatures(old, configured, now))).params == {"database": "27300", "date": "2025-12-21"}
    assert next(iter(virus.signatures(Version("ClamAV 1.4.6"), configured, now))).params["database"] == "-"
