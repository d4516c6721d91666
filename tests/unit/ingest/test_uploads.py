"""Uploads by parts below HTTP: a process that dies while writing, uploads past their time, a disk that is full."""

from __future__ import annotations

import errno
import hashlib
import io
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select

from access.actors import Actor
from ingest import quarantine, upload_parts, uploads
from ingest.context import Context
from ingest.pipeline import advance
from ingest.submissions import finish_receiving, open_submission
from ingest.uploads import UploadState
from metadata.errors import Conflict, NotFound, Unavailable
from repository.archive import Archive
from repository.clock import FixedClock
from repository.tables import Finding as FindingRow
from repository.tables import SubmissionFile, Upload

Opened = Callable[[], str]


@pytest.fixture
def opened(archive: Archive, actor: Actor) -> Opened:
    """Open a deposit; its id."""

    def open_one() -> str:
        with archive.sessions.begin() as session:
            return open_submission(
                session,
                archive=archive,
                actor=actor,
                organ_id=None,
                title="分段",
                channel="api",
                options={"accept": True},
            ).id

    return open_one


def _begin(
    archive: Archive, submission_id: str, length: int, name: str = "图.tif", key: str | None = None
) -> UploadState:
    return uploads.begin(archive, submission_id, account_id="a", name=name.encode(), length=length, hours=1, key=key)


def _append(archive: Archive, one: UploadState, offset: int, body: bytes) -> UploadState:
    stream = io.BufferedReader(io.BytesIO(body))  # type: ignore[arg-type]
    return uploads.append(archive, one.submission_id, one.id, offset=offset, stream_in=stream, hours=1)


def _path(archive: Archive, one: UploadState) -> Path:
    with archive.reading() as session:
        source = session.scalars(select(Upload.source).where(Upload.id == one.id)).one()
    return quarantine.folder(archive.quarantine, one.submission_id) / source


KILLED = """
    import io, sys
    from ingest import upload_parts, uploads
    from tests.unit.ingest.test_uploads import archive_at

    class Endless(io.RawIOBase):
        def readable(self):
            return True
        def readinto(self, buffer):
            buffer[:] = b"k" * len(buffer)
            return len(buffer)

    upload_parts._SAVED_EVERY = 8 << 20
    archive = archive_at(sys.argv[1])
    print("begun", flush=True)
    uploads.append(archive, sys.argv[2], sys.argv[3], offset=0, stream_in=io.BufferedReader(Endless()), hours=1)
"""


def archive_at(folder: str) -> Archive:
    """The archive of another process's test, opened as a second process would."""
    from metadata.profile import builtin
    from repository.clock import SystemClock
    from repository.db import open_engine, open_sessions, reading_sessions
    from repository.keys import Keys
    from repository.storage.local import LocalStore
    from repository.storage.replicas import Replicas

    root = Path(folder)
    engine = open_engine(f"sqlite:///{root / 'lantai.db'}", busy_seconds=30)
    return Archive(
        holding_id="00000000-0000-4000-8000-000000000000",
        zone="Asia/Shanghai",
        sessions=open_sessions(engine),
        reading=reading_sessions(engine),
        replicas=Replicas([LocalStore("a", root / "replicas" / "a")]),
        keys=Keys.open(root / "keys"),
        clock=SystemClock(),
        profile=builtin("social_assistance"),
        quarantine=root / "quarantine",
        derivatives=root / "derivatives",
    )


def test_kill_9_in_the_middle_of_a_part(archive: Archive, opened: Opened, clock: FixedClock, tmp_path: Path) -> None:
    """What the row says is on the disk; what lies beyond it is written again; the lock goes with the process."""
    from datetime import UTC, datetime

    clock.moment = datetime.now(UTC)
    length = 1 << 32
    one = _begin(archive, opened(), length)
    script = textwrap.dedent(KILLED)
    process = subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path), one.submission_id, one.id],
        cwd=Path(__file__).resolve().parents[3],
        stdout=subprocess.PIPE,
    )
    try:
        deadline = time.monotonic() + 60
        while uploads.state_of(archive, one.submission_id, one.id).offset < 24 << 20:
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.01)
        with pytest.raises(Conflict, match="still being received"):
            _append(archive, one, 0, b"x")
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert process.stdout is not None
        process.stdout.close()
    safe = uploads.state_of(archive, one.submission_id, one.id).offset
    path = _path(archive, one)
    assert path.stat().st_size >= safe >= 24 << 20
    with path.open("ab") as file:
        file.write(b"torn")
    with pytest.raises(Conflict, match=f"{safe} bytes"):
        _append(archive, one, safe + 1, b"x")
    assert _append(archive, one, safe, b"after").offset == safe + 5
    assert path.stat().st_size == safe + 5
    with path.open("rb") as file:
        file.seek(safe - 1)
        assert file.read() == b"kafter"


def test_a_file_that_was_whole_when_the_process_died_is_finished_when_asked_about(
    archive: Archive, opened: Opened
) -> None:
    one = _begin(archive, opened(), 5)
    _append(archive, one, 0, b"abcd")
    _path(archive, one).write_bytes(b"abcde")
    with archive.sessions.begin() as session:
        session.scalars(select(Upload).where(Upload.id == one.id)).one().received = 5
    assert uploads.state_of(archive, one.submission_id, one.id).done
    with archive.reading() as session:
        row = session.scalars(select(SubmissionFile)).one()
    assert (row.role, row.digests["sha256"]) == ("payload", hashlib.sha256(b"abcde").hexdigest())


def test_a_deposit_of_parts_goes_the_way_of_every_other(archive: Archive, opened: Opened, context: Context) -> None:
    submission_id = opened()
    body = os.urandom(20 << 20)
    one = _begin(archive, submission_id, len(body), "资料/大.bin")
    for start in range(0, len(body), 7 << 20):
        last = _append(archive, one, start, body[start : start + (7 << 20)])
    assert last.done
    twice = _begin(archive, submission_id, len(body), "资料/大.bin")
    assert _append(archive, twice, 0, body).done
    assert not _path(archive, twice).exists()  # the same bytes under the same name count once
    uploads.require_none_open(archive, submission_id)
    with archive.sessions.begin() as session:
        finish_receiving(session, archive=archive, submission_id=submission_id)
    assert advance(context, submission_id) == "done"
    with archive.reading() as session:
        assert session.scalar(select(func.count()).select_from(SubmissionFile)) == 1
    assert uploads.sweep(archive) == 2
    assert _path_gone(archive)


def _path_gone(archive: Archive) -> bool:
    with archive.reading() as session:
        return session.scalar(select(func.count()).select_from(Upload)) == 0


def test_uploads_past_their_time_are_dropped_and_those_that_go_on_are_not(
    archive: Archive, opened: Opened, clock: FixedClock
) -> None:
    submission_id = opened()
    stale, fresh, whole = (_begin(archive, submission_id, 4, f"{name}.txt") for name in "abc")
    _append(archive, stale, 0, b"ab")
    _append(archive, whole, 0, b"abcd")
    path = _path(archive, stale)
    clock.moment += timedelta(minutes=50)
    _append(archive, fresh, 0, b"a")
    clock.moment += timedelta(minutes=10)
    for act in (
        lambda: uploads.state_of(archive, submission_id, stale.id),
        lambda: _append(archive, stale, 2, b"cd"),
    ):
        with pytest.raises(NotFound, match="expired"):
            act()
    with upload_parts.locked(path):
        assert uploads.sweep(archive) == 0  # somebody still writes
    assert uploads.sweep(archive) == 1
    assert not path.exists()
    assert uploads.state_of(archive, submission_id, fresh.id).offset == 1
    assert uploads.state_of(archive, submission_id, whole.id).done
    with pytest.raises(Conflict, match="1 files"):
        uploads.require_none_open(archive, submission_id)
    clock.moment += timedelta(hours=1)
    uploads.require_none_open(archive, submission_id)
    with archive.reading() as session:
        assert session.scalars(select(SubmissionFile.path)).all() == ["c.txt"]


def test_a_full_disk_keeps_what_was_safe(archive: Archive, opened: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    one = _begin(archive, opened(), 10)
    _append(archive, one, 0, b"abc")
    written = quarantine.write_all

    def full(handle: int, data: bytes) -> None:
        written(handle, data[:2])
        raise OSError(errno.ENOSPC, "no space")

    with monkeypatch.context() as patch:
        patch.setattr(quarantine, "write_all", full)
        with pytest.raises(Unavailable) as told:
            _append(archive, one, 3, b"defghij")
    assert told.value.code == "quarantine.full"
    assert uploads.state_of(archive, one.submission_id, one.id).offset == 3
    assert _append(archive, one, 3, b"defghij").done


def test_what_ended_is_gone(archive: Archive, opened: Opened) -> None:
    submission_id = opened()
    one = _begin(archive, submission_id, 3)
    _append(archive, one, 0, b"abc")
    path = _path(archive, one)
    uploads.give_up(archive, submission_id, one.id)  # also when it is whole
    assert not path.exists()
    for _again in range(2):
        with pytest.raises(NotFound):
            uploads.give_up(archive, submission_id, one.id)
    with archive.reading() as session:
        assert session.scalars(select(SubmissionFile.path)).all() == []


def _findings(archive: Archive, submission_id: str) -> list[tuple[str, str | None]]:
    with archive.reading() as session:
        mine = select(FindingRow.code, FindingRow.path).where(FindingRow.submission_id == submission_id)
        return list(session.execute(mine.order_by(FindingRow.seq)).tuples())


def test_nothing_is_left_out_unsaid(archive: Archive, opened: Opened, clock: FixedClock) -> None:
    """Two never arrive whole: one is swept, of the other the disk lost the bytes. A third is sent again in time."""
    submission_id = opened()
    swept, lost, again = (_begin(archive, submission_id, 4, f"{name}.txt") for name in "abc")
    _append(archive, swept, 0, b"ab")
    clock.moment += timedelta(hours=1)
    assert uploads.sweep(archive) == 3
    lost = _begin(archive, submission_id, 4, "b.txt")
    _path(archive, lost).unlink()
    with archive.sessions.begin() as session:
        session.scalars(select(Upload).where(Upload.id == lost.id)).one().received = 4
    again = _begin(archive, submission_id, 4, "c.txt")
    assert _append(archive, again, 0, b"abcd").done
    uploads.require_none_open(archive, submission_id)
    with archive.sessions.begin() as session:
        assert finish_receiving(session, archive=archive, submission_id=submission_id).counts["files"] == 1
    told = _findings(archive, submission_id)
    assert sorted(set(told)) == [("deposit.unfinished", "a.txt"), ("deposit.unfinished", "b.txt")]


def test_giving_up_is_no_finding(archive: Archive, opened: Opened) -> None:
    one = _begin(archive, opened(), 4)
    uploads.give_up(archive, one.submission_id, one.id)
    uploads.require_none_open(archive, one.submission_id)
    assert _findings(archive, one.submission_id) == []


def test_who_asks_again_with_the_same_key_goes_on_even_past_the_time(
    archive: Archive, opened: Opened, clock: FixedClock
) -> None:
    submission_id = opened()
    one = _begin(archive, submission_id, 4, key="k")
    _append(archive, one, 0, b"ab")
    clock.moment += timedelta(hours=2)
    same = _begin(archive, submission_id, 4, key="k")
    assert (same.id, same.offset) == (one.id, 2)
    assert _append(archive, same, 2, b"cd").done


def test_bytes_that_the_disk_lost_are_asked_for_anew(archive: Archive, opened: Opened) -> None:
    submission_id = opened()
    one = _begin(archive, submission_id, 4, key="k")
    _append(archive, one, 0, b"ab")
    _path(archive, one).unlink()
    _begin(archive, submission_id, 4, key="k")
    with pytest.raises(Conflict, match="0 bytes"):
        _append(archive, one, 2, b"cd")
    assert uploads.state_of(archive, submission_id, one.id).offset == 0  # what HEAD says is where to go on
    assert _append(archive, one, 0, b"abcd").done


def test_a_part_for_a_file_that_was_just_given_up_writes_into_no_other(
    archive: Archive, opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the opening of the file and its lock it is given up and begun anew under the same name."""
    submission_id = opened()
    one = _begin(archive, submission_id, 4, key="k")
    really = upload_parts.fcntl.flock
    turns = [0]

    def meanwhile(handle: int, how: int) -> None:
        turns[0] += 1
        if turns[0] == 1:
            uploads.give_up(archive, submission_id, one.id)
            _begin(archive, submission_id, 4, key="k")
        really(handle, how)

    monkeypatch.setattr(upload_parts.fcntl, "flock", meanwhile)
    with pytest.raises(NotFound):
        _append(archive, one, 0, b"abcd")
    monkeypatch.undo()
    assert uploads.state_of(archive, submission_id, one.id).offset == 0
    assert _append(archive, one, 0, b"efgh").done
    assert _path(archive, one).read_bytes() == b"efgh"
