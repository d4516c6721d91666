"""Opening containers in batches: progress, crashes, refusals that leave nothing, containers inside containers."""

from __future__ import annotations

import io
import os
import struct
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import func, insert, select, update
from sqlalchemy.orm import Session

from access.actors import Actor
from ingest.context import Context
from ingest.limits import IngestLimits
from ingest.pipeline import advance
from ingest.steps.unpack import open_next
from ingest.submissions import open_submission, receive_path
from repository.archive import Archive
from repository.tables import Finding, Record, Submission, SubmissionFile
from tests.corpus.makers.archives import rar5, write_7z, write_tar, write_zip, zip_entry

Deposit = Callable[..., tuple[str, str]]
Receive = Callable[..., str]
SLOW = IngestLimits(batch_seconds=1e-6)
"""Every batch is one file."""


@pytest.fixture
def receive(archive: Archive, actor: Actor, context: Context) -> Receive:
    """A submission received, nothing examined yet."""

    def run(path: Path, limits: IngestLimits = SLOW) -> str:
        with archive.sessions.begin() as session:
            opened = open_submission(
                session,
                archive=archive,
                actor=actor,
                organ_id=None,
                title="测试移交",
                channel="console",
                options={"accept": True},
            )
        context.limits = limits
        receive_path(archive, opened.id, [path])
        return opened.id

    return run


def _zip(path: Path, members: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", method) as out:
        for name, data in members.items():
            out.writestr(name, data)
    return path


def _bytes_of(members: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as made:
        for name, data in members.items():
            made.writestr(name, data)
    return out.getvalue()


def _counts(archive: Archive, submission_id: str) -> dict[str, object]:
    with archive.reading() as session:
        return dict(session.scalars(select(Submission.counts).where(Submission.id == submission_id)).one())


def _paths(archive: Archive) -> list[str]:
    with archive.reading() as session:
        return list(session.scalars(select(SubmissionFile.path).order_by(SubmissionFile.position)))


def _files(archive: Archive, submission_id: str) -> int:
    return sum(one.is_file() for one in (archive.quarantine / submission_id / "files").rglob("*"))


def _codes(session: Session, submission_id: str) -> set[str]:
    """What was found, without the word that nothing is left to take in."""
    codes = session.scalars(select(Finding.code).where(Finding.submission_id == submission_id)).all()
    return set(codes) - {"deposit.empty"}


def _written(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


MAKERS: dict[str, Callable[[Path, dict[str, bytes]], Path]] = {
    "t.zip": _zip,
    "t.tar.gz": lambda path, members: write_tar(path, list(members.items()), "w:gz"),
    "t.7z": write_7z,
    "t.rar": lambda path, members: _written(path, rar5(members)),
}
MEMBERS = {f"{number}.txt": b"%d" % number for number in range(6)}


@pytest.mark.parametrize("name", MAKERS)
def test_progress_is_recorded_batch_by_batch(
    name: str, archive: Archive, context: Context, receive: Receive, tmp_path: Path
) -> None:
    submission_id = receive(MAKERS[name](tmp_path / name, MEMBERS))
    seen = []
    while open_next(context, submission_id):
        counts = _counts(archive, submission_id)
        seen.append((counts["unpacked"], counts["members"]))
    assert seen[:6] == [(done, 6) for done in range(1, 7)]
    assert "opening" not in _counts(archive, submission_id)
    assert _paths(archive) == [name, *MEMBERS]
    assert advance(context, submission_id) == "done"
    with archive.reading() as session:
        assert session.scalar(select(func.count()).select_from(Record)) == 6
    assert not (archive.quarantine / submission_id / "opening").exists()


def test_the_first_finding_is_told_before_the_last_file_is_out(
    archive: Archive, context: Context, receive: Receive, tmp_path: Path
) -> None:
    entries = [zip_entry(f"申请书{number}.txt".encode("gbk"), b"x") for number in range(6)]
    submission_id = receive(write_zip(tmp_path / "t.zip", *entries))
    assert open_next(context, submission_id)
    with archive.reading() as session:
        told = session.execute(select(Finding.code, Finding.path, Finding.params)).tuples().all()
    assert told == [("name.legacy_encoding", "申请书0.txt", {"encoding": "GB18030"})]
    assert _counts(archive, submission_id)["unpacked"] == 1


@pytest.mark.parametrize("name", MAKERS)
def test_what_a_crash_left_is_gone_on_with(
    name: str, archive: Archive, context: Context, receive: Receive, tmp_path: Path
) -> None:
    submission_id = receive(MAKERS[name](tmp_path / name, MEMBERS))
    for _ in range(3):
        assert open_next(context, submission_id)
    context.close()  # what was held in memory is lost
    (archive.quarantine / submission_id / "files/000/000004.txt").write_bytes(b"half")
    assert advance(context, submission_id) == "done"
    assert _paths(archive) == [name, *MEMBERS]
    for position, data in enumerate(MEMBERS.values(), start=1):
        assert (archive.quarantine / submission_id / f"files/000/{position:06d}.txt").read_bytes() == data


@pytest.mark.parametrize("name", MAKERS)
def test_two_processes_that_take_turns_take_nothing_out_twice(
    name: str, archive: Archive, context: Context, receive: Receive, tmp_path: Path
) -> None:
    submission_id = receive(MAKERS[name](tmp_path / name, MEMBERS))
    other = Context.open(archive, SLOW, checks=context.checks)
    try:
        for turn in (context, other, other, context, other, context):
            assert open_next(turn, submission_id)
        assert advance(context, submission_id) == "done"
    finally:
        other.close()
    assert _paths(archive) == [name, *MEMBERS]
    for position, data in enumerate(MEMBERS.values(), start=1):
        assert (archive.quarantine / submission_id / f"files/000/{position:06d}.txt").read_bytes() == data


def test_a_container_damaged_midway_leaves_nothing_but_itself(
    archive: Archive, context: Context, receive: Receive, tmp_path: Path
) -> None:
    path = _zip(tmp_path / "t.zip", MEMBERS, zipfile.ZIP_STORED)
    data = bytearray(path.read_bytes())
    data[data.index(b"4.txt") + 5] ^= 1
    path.write_bytes(bytes(data))
    submission_id = receive(path)
    for _ in range(3):
        assert open_next(context, submission_id)
    with archive.sessions.begin() as session:
        row = {"submission_id": submission_id, "code": "file.empty", "severity": "warning", "outcome": "warn"}
        session.execute(
            insert(Finding),
            [row | {"path": one, "params": {}, "created_at": archive.clock.now()} for one in ("1.txt", "t.zip")],
        )
    assert advance(context, submission_id) == "rejected"
    with archive.reading() as session:
        told = select(Finding.code, Finding.path).where(Finding.code != "deposit.empty")
        found = session.execute(told.order_by(Finding.seq)).all()
        assert session.scalars(select(SubmissionFile.role)).all() == ["closed"]
    assert [tuple(one) for one in found] == [("file.empty", "t.zip"), ("container.damaged", "t.zip")]
    assert _files(archive, submission_id) == 1
    counts = _counts(archive, submission_id)
    assert (counts["unpacked"], counts["members"]) == (0, 0)


def test_a_removal_that_was_cut_off_begins_the_container_anew(
    archive: Archive, context: Context, receive: Receive, tmp_path: Path
) -> None:
    submission_id = receive(_zip(tmp_path / "t.zip", MEMBERS))
    for _ in range(3):
        assert open_next(context, submission_id)
    context.close()
    (archive.quarantine / submission_id / "files/000/000001.txt").unlink()
    assert advance(context, submission_id) == "done"
    assert _paths(archive) == ["t.zip", *MEMBERS]


def test_time_spent_counts_over_batches_and_crashes(
    archive: Archive, context: Context, receive: Receive, tmp_path: Path
) -> None:
    submission_id = receive(_zip(tmp_path / "t.zip", MEMBERS))
    assert open_next(context, submission_id)
    context.close()
    with archive.sessions.begin() as session:
        counts = dict(session.scalars(select(Submission.counts)).one())
        counts["opening"] = {**counts["opening"], "seconds": 601}
        session.execute(update(Submission).values(counts=counts))
    assert advance(context, submission_id) == "rejected"
    with archive.reading() as session:
        assert _codes(session, submission_id) == {"container.too_slow"}
    assert _files(archive, submission_id) == 1


def test_a_container_that_holds_one_of_its_own_name_is_opened(
    archive: Archive, deposit: Deposit, tmp_path: Path
) -> None:
    inner = _bytes_of({"t.zip": _bytes_of({"甲.txt": b"a"})})
    _, state = deposit(_zip(tmp_path / "t.zip", {"t.zip": inner, "b.txt": b"b"}))
    assert state == "done"
    assert set(_paths(archive)) == {
        "t.zip", "t.zip/t.zip", "t.zip/b.txt", "t.zip/t.zip/t.zip", "t.zip/t.zip/t.zip/甲.txt"
    }  # fmt: skip


def test_kinds_inside_one_another_are_opened(archive: Archive, deposit: Deposit, tmp_path: Path) -> None:
    seven = write_7z(tmp_path / "a.7z", {"甲.txt": b"a"}).read_bytes()
    tar = write_tar(tmp_path / "b.tar.gz", [("a.7z", seven)], "w:gz").read_bytes()
    _, state = deposit(_zip(tmp_path / "t.zip", {"b.tar.gz": tar}))
    assert state == "done"
    assert _paths(archive) == ["t.zip", "b.tar.gz", "b.tar.gz/a.7z", "b.tar.gz/a.7z/甲.txt"]


def test_a_bag_inside_a_7z_is_a_bag(archive: Archive, deposit: Deposit, tmp_path: Path) -> None:
    import bagit

    (tmp_path / "bag").mkdir()
    (tmp_path / "bag" / "a.txt").write_text("a")
    (tmp_path / "bag" / "b.zip").write_bytes(_bytes_of({"c.txt": b"c"}))
    bagit.make_bag(str(tmp_path / "bag"), checksums=["sha256"])
    members = {
        f"bag/{one.relative_to(tmp_path / 'bag')}": one.read_bytes()
        for one in sorted((tmp_path / "bag").rglob("*"))
        if one.is_file()
    }
    _, state = deposit(write_7z(tmp_path / "t.7z", members))
    assert state == "done"
    with archive.reading() as session:
        roles = dict(session.execute(select(SubmissionFile.path, SubmissionFile.role)).tuples().all())
        assert session.scalar(select(func.count()).select_from(Record)) == 1
    assert roles["bag/data/b.zip"] == "payload"
    assert roles["bag/bagit.txt"] == "tag"


def _rejected(archive: Archive, deposit: Deposit, path: Path, **limits: object) -> set[str]:
    submission_id, state = deposit(path, limits=IngestLimits(**limits))  # type: ignore[arg-type]
    assert state == "rejected"
    assert _files(archive, submission_id) == 1
    with archive.reading() as session:
        return _codes(session, submission_id)


def test_bombs_in_layers_are_refused(archive: Archive, deposit: Deposit, tmp_path: Path) -> None:
    data = bytes(6 << 20)
    for _ in range(2):
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as made:
            made.writestr("i.zip" if data[:2] == b"PK" else "zeros.bin", data)
        data = out.getvalue()
    (tmp_path / "t.zip").write_bytes(data)
    _, state = deposit(tmp_path / "t.zip", limits=IngestLimits(container_ratio_from=1 << 20))
    assert state == "rejected"
    with archive.reading() as session:
        assert "container.bomb" in set(session.scalars(select(Finding.code)))


def test_one_member_that_is_a_bomb_is_refused(archive: Archive, deposit: Deposit, tmp_path: Path) -> None:
    path = _zip(tmp_path / "t.zip", {"zeros.bin": bytes(8 << 20), "noise.bin": os.urandom(1 << 20)})
    assert _rejected(archive, deposit, path, container_ratio_from=1 << 20) == {"container.bomb"}


def test_a_zip_that_holds_itself_ends_at_the_depth_allowed(archive: Archive, deposit: Deposit, tmp_path: Path) -> None:
    data = b"x"
    for _ in range(6):
        data = _bytes_of({"r/r.zip": data})
    (tmp_path / "r.zip").write_bytes(data)
    submission_id, state = deposit(tmp_path / "r.zip")
    assert state == "rejected"
    with archive.reading() as session:
        assert _codes(session, submission_id) == {"container.too_deep"}


def test_names_that_cannot_be_told_apart_or_kept_are_refused(
    archive: Archive, deposit: Deposit, tmp_path: Path
) -> None:
    folder_and_file = write_zip(tmp_path / "1.zip", zip_entry(b"a", b"x"), zip_entry(b"A/b", b"x"))
    assert _rejected(archive, deposit, folder_and_file) == {"container.clashing_name"}
    seven = write_7z(tmp_path / "2.7z", {"../x": b"x", "a": b"x", "A": b"y"})
    assert _rejected(archive, deposit, seven) == {"container.unsafe_path", "container.clashing_name"}
    too_many = _zip(tmp_path / "3.zip", MEMBERS)
    assert _rejected(archive, deposit, too_many, files_per_submission=5) == {"deposit.too_many_files"}
    slow = _zip(tmp_path / "4.zip", MEMBERS)
    assert _rejected(archive, deposit, slow, container_seconds=1e-9) == {"container.too_slow"}


def test_a_reader_that_hangs_costs_one_finding(
    archive: Archive, deposit: Deposit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A library that never finishes loading stands for a parser that a crafted archive holds for ever."""
    path = write_7z(tmp_path / "t.7z", {"a.txt": b"a"})
    os.mkfifo(tmp_path / "hangs.so")
    monkeypatch.setenv("LIBARCHIVE", str(tmp_path / "hangs.so"))
    assert _rejected(archive, deposit, path, container_seconds=0.5) == {"container.too_slow"}


def test_checksums_of_a_large_zip_are_checked_at_its_end(archive: Archive, deposit: Deposit, tmp_path: Path) -> None:
    data = os.urandom(3 << 20)
    local, front, rest = zip_entry(b"a.bin", data)
    wrong = struct.pack("<I", zlib.crc32(data) ^ 1)
    right = struct.pack("<I", zlib.crc32(data))
    path = write_zip(tmp_path / "t.zip", (local.replace(right, wrong, 1), front.replace(right, wrong, 1), rest))
    assert _rejected(archive, deposit, path) == {"container.damaged"}
