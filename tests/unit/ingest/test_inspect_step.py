"""The step that looks into files: rows, findings as they come, files that break their parser."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PIL import Image
from sqlalchemy import select

from access.actors import Actor
from ingest.context import ALL_CHECKS, Context
from ingest.files import FileRow
from ingest.limits import IngestLimits
from ingest.pool import CheckPool
from ingest.steps import inspect as step
from ingest.submissions import open_submission, receive_path
from repository.archive import Archive
from repository.cases import ID_NUMBER
from repository.tables import Finding, SubmissionFile

ID = "110101199003078515"


@pytest.fixture
def received(archive: Archive, actor: Actor) -> Callable[..., str]:
    """Receive paths and go no further."""

    def run(*paths: Path) -> str:
        with archive.sessions.begin() as session:
            opened = open_submission(
                session, archive=archive, actor=actor, organ_id=None, title="测试", channel="console", options={}
            )
        receive_path(archive, opened.id, list(paths))
        return opened.id

    return run


@pytest.fixture
def looking(archive: Archive) -> Iterator[Context]:
    """Every check but malware, in one process of little memory."""
    limits = IngestLimits(check_memory=3072 << 20, check_files=4)
    made = Context.open(archive, limits, processes=1, checks=ALL_CHECKS - {"virus"})
    yield made
    made.close()


def files(archive: Archive, submission_id: str) -> dict[str, SubmissionFile]:
    with archive.reading() as session:
        rows = session.scalars(select(SubmissionFile).where(SubmissionFile.submission_id == submission_id))
        return {row.path.rpartition("/")[2]: row for row in rows}


def told(archive: Archive, submission_id: str) -> set[tuple[str, str]]:
    with archive.reading() as session:
        rows = session.scalars(select(Finding).where(Finding.submission_id == submission_id))
        return {((row.path or "").rpartition("/")[2], row.code) for row in rows}


def wide_png(side: int) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")


def test_what_is_measured_reaches_the_rows(
    archive: Archive, looking: Context, received: Callable[..., str], tmp_path: Path
) -> None:
    folder = tmp_path / "d"
    folder.mkdir()
    Image.new("RGB", (640, 480), "green").save(folder / "p.jpg")
    (folder / "cut.jpg").write_bytes((folder / "p.jpg").read_bytes()[:400])
    (folder / "a.txt").write_text(f"申请人身份证号 {ID}", encoding="utf-8")
    submission_id = received(folder)
    assert step.inspect_some(looking, submission_id)
    assert not step.inspect_some(looking, submission_id)
    rows = files(archive, submission_id)
    technical = rows["p.jpg"].technical
    assert technical is not None
    assert (technical["width"], technical["height"], technical["camera"]) == (640, 480, False)
    text = rows["a.txt"].technical
    assert text is not None
    assert text["id_blinds"] == [archive.keys.blind(ID, ID_NUMBER)]
    assert ID not in str(text)
    assert told(archive, submission_id) == {("cut.jpg", "readability.damaged"), ("a.txt", "personal.found")}


def test_a_file_that_breaks_its_process_costs_one_finding(
    archive: Archive, looking: Context, received: Callable[..., str], tmp_path: Path
) -> None:
    folder = tmp_path / "d"
    folder.mkdir()
    (folder / "wide.png").write_bytes(wide_png(19_900))
    for number in range(6):
        Image.new("L", (50, 50), 40 * number).save(folder / f"{number}.png")
    submission_id = received(folder)
    while step.inspect_some(looking, submission_id):
        pass
    rows = files(archive, submission_id)
    assert all(row.puid == "fmt/11" and row.mime == "image/png" for row in rows.values())
    assert rows["wide.png"].technical is None
    assert all(row.technical for name, row in rows.items() if name != "wide.png")
    assert told(archive, submission_id) == {("wide.png", "readability.not_checked")}


def test_only_identification_when_no_more_is_wanted(
    archive: Archive, received: Callable[..., str], tmp_path: Path
) -> None:
    (tmp_path / "p.jpg").write_bytes(b"\xff\xd8\xff\xe0" + bytes(50))
    submission_id = received(tmp_path / "p.jpg")
    context = Context.open(archive, IngestLimits(), processes=1, checks=frozenset({"format"}))
    try:
        assert step.inspect_some(context, submission_id)
    finally:
        context.close()
    assert {code for _, code in told(archive, submission_id)} <= {"format.unidentified", "format.disagreement"}
    nothing = Context.open(archive, IngestLimits(), checks=frozenset())
    assert not step.inspect_some(nothing, submission_id)


def test_rounds_end_by_number_and_by_bytes() -> None:
    def row(size: int) -> FileRow:
        return FileRow(0, 0, "p", None, "s", None, size, None, None, None, None, "payload", None)

    small = [row(10)] * 10
    assert [len(one) for one in step._rounds(small, 4)] == [4, 4, 2]
    large = [row(200 << 20), row(100 << 20), row(1), row(600 << 20), row(1)]
    assert [len(one) for one in step._rounds(large, 10)] == [1, 2, 1, 1]


def test_batches_of_the_pool_end_by_bytes() -> None:
    pool = CheckPool(1, memory_bytes=0, seconds=60, batch=3)
    try:
        items = [b"a"] * 5
        answers = [
            answer for _, answer in pool.map("ingest.identify:identify", items, [60 << 20, 1 << 20, 9 << 20, 1, 1])
        ]
    finally:
        pool.close()
    assert len(answers) == 5
    assert pool.workers == 1
