"""Fixtures that every test may use: a fresh database, a clock that stands, a virus scanner."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import Engine

from ingest.clamd import Clamd, ScanFailed
from ingest.limits import VirusScanner
from repository.clock import FixedClock
from repository.db import Sessions, open_engine, open_sessions
from repository.tables import Base


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    """A fresh SQLite database with all tables."""
    made = open_engine(f"sqlite:///{tmp_path / 'lantai.db'}", busy_seconds=5)
    Base.metadata.create_all(made)
    yield made
    made.dispose()


@pytest.fixture
def sessions(engine: Engine) -> Sessions:
    """Write sessions on the fresh database."""
    return open_sessions(engine)


@pytest.fixture
def clock() -> FixedClock:
    """A clock that stands at 2026-01-05 09:00 in Shanghai."""
    return FixedClock()


@dataclass(frozen=True, slots=True)
class RunningClamd:
    """A real clamd with one signature, made for this run; ``settings`` as a site would write them."""

    settings: VirusScanner
    pid: int


EICAR = r"X5O!P%@AP[4\PZX54(P^)7CC)7}$" + "EICAR-STANDARD-ANTIVIRUS-TEST-" + "FILE!$H+H*"
"""The test file that every scanner knows, in two parts, so that no scanner takes this source for it."""


@pytest.fixture(scope="session")
def clamd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningClamd]:
    """ClamAV's daemon on a Unix socket; its one signature is written here. Skips where it is not installed."""
    program = shutil.which("clamd", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if program is None:
        pytest.skip("clamd is not installed (Debian's package is `clamav-daemon`)")
    folder = tmp_path_factory.mktemp("clamd")
    (folder / "db").mkdir()
    (folder / "db" / "local.ndb").write_text(f"Local.Eicar.Test:0:*:{EICAR.encode().hex()}\n", encoding="ascii")
    socket_path = Path(tempfile.mkdtemp(prefix="clamd-")) / "s"  # a socket's path is at most 107 bytes
    lines = [f"DatabaseDirectory {folder / 'db'}", f"LocalSocket {socket_path}", "Foreground yes", "StreamMaxLength 4M"]
    (folder / "clamd.conf").write_text("\n".join(lines) + "\n", encoding="utf-8")
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([program, "-c", str(folder / "clamd.conf")], stdout=log, stderr=log)
    settings = VirusScanner(address=f"unix:{socket_path}", seconds=10)
    try:
        _await_clamd(settings, process, folder / "log")
        yield RunningClamd(settings, process.pid)
    finally:
        process.kill()
        process.wait()
        shutil.rmtree(socket_path.parent, ignore_errors=True)


def _await_clamd(settings: VirusScanner, process: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + 30
    while True:
        try:
            return Clamd(settings.address, settings.seconds).ping()
        except ScanFailed:
            if process.poll() is not None or time.monotonic() > until:
                pytest.fail(f"clamd did not start: {log.read_text(encoding='utf-8', errors='replace')[-500:]}")
            time.sleep(0.05)
