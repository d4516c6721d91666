"""Watched folders: real folders, what stands still becomes a deposit, kills in between."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from access.actors import console_actor
from ingest.decisions import withdraw
from ingest.pipeline import Context, advance
from ingest.submissions import open_submission
from lantai import watch
from lantai.job_rows import JobFilter
from lantai.probes import parts_of
from lantai.settings import WatchedFolder, load
from lantai.site import Site, initialise
from repository.archive import Archive
from repository.clock import FixedClock
from repository.tables import Submission, SubmissionFile

QUIET = 30.0


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder that a scanner writes into."""
    made = tmp_path / "扫描仪"
    made.mkdir()
    return made


@pytest.fixture
def site(tmp_path: Path, folder: Path, clock: FixedClock) -> Iterator[Site]:
    """A site that watches it."""
    watched = [WatchedFolder(path=folder, organ="bureau", quiet_seconds=QUIET)]
    made = initialise(load(home=tmp_path / "home"), bureau="云岭县民政局", division="990101", clock=clock)
    made.settings.watched = watched
    yield made
    made.close()


def _later(site: Site, seconds: float = QUIET) -> int:
    clock = site.archive.clock
    assert isinstance(clock, FixedClock)
    clock.moment += timedelta(seconds=seconds)
    return watch.look(site)


def _submissions(site: Site) -> list[Submission]:
    with site.archive.reading() as session:
        return list(session.scalars(select(Submission).order_by(Submission.seq)))


def _files(site: Site, submission_id: str) -> list[str]:
    with site.archive.reading() as session:
        mine = SubmissionFile.submission_id == submission_id
        return list(session.scalars(select(SubmissionFile.path).where(mine).order_by(SubmissionFile.position)))


def _advance(site: Site, submission_id: str) -> str:
    context = Context.open(site.archive, site.settings.limits, processes=1)
    try:
        return advance(context, submission_id)
    finally:
        context.close()


def test_what_stands_still_becomes_one_deposit_an_entry(site: Site, folder: Path) -> None:
    (folder / "户档" / "子").mkdir(parents=True)
    (folder / "户档" / "申请.txt").write_text("申请低保", encoding="utf-8")
    (folder / "户档" / "子" / "证明.txt").write_text("证明", encoding="utf-8")
    (folder / "单页.txt").write_text("一页", encoding="utf-8")
    (folder / "未完.pdf.part").write_bytes(b"x")
    (folder / ".隐藏").write_bytes(b"x")
    (folder / "link").symlink_to("/etc/hostname")
    assert watch.look(site) == 0
    assert _later(site, QUIET - 1) == 0
    assert _later(site, 1) == 2
    single, papers = _submissions(site)
    assert (single.title, single.channel, single.actor_id, single.state) == (
        "单页.txt",
        "watched",
        "watcher",
        "examining",
    )
    assert _files(site, single.id) == ["单页.txt"]
    assert _files(site, papers.id) == ["子/证明.txt", "申请.txt"]
    day = folder / "taken" / "2026-01-05"
    assert (day / f"{papers.id}-户档" / "申请.txt").exists()
    assert sorted(one.name for one in folder.iterdir()) == [".隐藏", "link", "taken", "未完.pdf.part"]
    assert _later(site) == 0  # nothing is taken twice
    assert len(_submissions(site)) == 2


def test_what_still_grows_is_left_alone(site: Site, folder: Path) -> None:
    path = folder / "大.bin"
    path.write_bytes(b"1")
    watch.look(site)
    path.write_bytes(b"12")
    assert _later(site) == 0
    assert _later(site) == 1
    (folder / "夹").mkdir()
    (folder / "夹" / "a.tmp").write_bytes(b"1")
    watch.look(site)
    assert _later(site) == 0  # something inside is not finished
    (folder / "夹" / "a.tmp").rename(folder / "夹" / "a.txt")
    assert _later(site) == 0
    assert _later(site) == 1


def test_a_report_is_written_beside_and_follows_the_deposit(site: Site, folder: Path) -> None:
    (folder / "空.txt").write_bytes(b"")
    watch.look(site)
    _later(site)
    [one] = _submissions(site)
    state = _advance(site, one.id)
    assert state in {"waiting", "rejected"}
    watch.look(site)
    place = folder / "taken" / "2026-01-05" / f"{one.id}-空.txt"
    report = json.loads(place.with_name(place.name + ".report.json").read_text(encoding="utf-8"))
    assert (report["submission_id"], report["state"]) == (one.id, state)
    assert "file.empty" in {finding["code"] for finding in report["findings"]}
    text = place.with_name(place.name + ".report.txt").read_text(encoding="utf-8")
    assert "移交检查报告" in text
    assert "file.empty" in text
    with site.archive.sessions.begin() as session:
        session.scalars(select(Submission)).one().state = "returned"
    watch.look(site)
    assert "已退回" in place.with_name(place.name + ".report.txt").read_text(encoding="utf-8") or state == "rejected"


def test_a_second_paper_of_the_same_name_is_a_second_deposit(site: Site, folder: Path) -> None:
    for _turn in range(2):
        (folder / "a.txt").write_text("一样", encoding="utf-8")
        os.utime(folder / "a.txt", (1_700_000_000, 1_700_000_000))
        watch.look(site)
        assert _later(site) == 1
    assert len(_submissions(site)) == 2


def test_folders_in_trouble_are_told_and_stop_nobody(
    site: Site, folder: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    site.settings.watched = [
        WatchedFolder(path=tmp_path / "weg", organ="bureau"),
        WatchedFolder(path=folder, organ="nobody"),
        WatchedFolder(path=folder, organ="bureau", programme="XX"),
        WatchedFolder(path=folder, organ="bureau", quiet_seconds=1),
    ]
    (folder / "a.txt").write_bytes(b"a")
    watch.look(site)
    assert _later(site, 1) == 1
    told = watch.troubles(site)
    assert [one.path for one in told] == [tmp_path / "weg", folder, folder]
    assert "missing" in caplog.text
    states = {one.name: one.state for one in parts_of(site).look()}
    assert [states[f"watched {number}"] for number in (1, 2, 3, 4)] == ["down", "down", "down", "down"]


def test_memory_that_is_lost_costs_only_time(site: Site, folder: Path) -> None:
    (folder / "a.txt").write_bytes(b"a")
    watch.look(site)
    _later(site)
    [one] = _submissions(site)
    _advance(site, one.id)
    for memory in site.settings.quarantine.glob(".watched-*"):
        memory.write_text("{")
    watch.look(site)
    assert (folder / "taken" / "2026-01-05" / f"{one.id}-a.txt.report.json").exists()


KILLED = """
    import os, signal, sys
    from pathlib import Path
    from lantai import watch
    from lantai.settings import WatchedFolder, load
    from lantai.site import open_site

    site = open_site(load(home=Path(sys.argv[1])))
    site.settings.watched = [WatchedFolder(path=Path(sys.argv[2]), organ="bureau", quiet_seconds=1)]
    die = lambda *_args, **_given: os.kill(os.getpid(), signal.SIGKILL)
    place = sys.argv[3]
    if place == "received":
        watch.receive_path = die
    elif place == "enqueued":
        watch._Watch._move = die
    elif place == "moved":
        watch._sync = die
    print("looking", flush=True)
    watch.look(site)
    import time
    time.sleep(1.1)
    watch.look(site)
"""


@pytest.mark.parametrize("place", ["received", "enqueued", "moved"])
def test_kill_9_between_receiving_and_moving(site: Site, folder: Path, tmp_path: Path, place: str) -> None:
    (folder / "户档").mkdir()
    for number in range(3):
        (folder / "户档" / f"{number}.txt").write_text(f"{number}", encoding="utf-8")
    clock = site.archive.clock
    assert isinstance(clock, FixedClock)
    from datetime import UTC, datetime

    clock.moment = datetime.now(UTC)
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(KILLED), str(tmp_path / "home"), str(folder), place],
        cwd=Path(__file__).resolve().parents[3],
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
    time.sleep(0.1)
    clock.moment = datetime.now(UTC)
    watch.look(site)
    _later(site)
    [one] = _submissions(site)
    assert one.state == "examining"
    assert _files(site, one.id) == ["0.txt", "1.txt", "2.txt"]
    assert not (folder / "户档").exists()
    [taken] = (folder / "taken").glob("*/*")
    assert taken.name == f"{one.id}-户档"
    with site.archive.reading() as session:
        assert len(site.jobs.rows.listed(session, JobFilter())) == 1
    assert _advance(site, one.id) in {"waiting", "done"}
    watch.look(site)
    assert taken.with_name(taken.name + ".report.txt").exists()


def test_the_command_looks_twice(site: Site, folder: Path, tmp_path: Path) -> None:
    settings = tmp_path / "home" / "lantai.toml"
    lantai = Path(sys.executable).with_name("lantai")
    environment = {**os.environ, "LANTAI_HOME": str(tmp_path / "home")}
    none = subprocess.run([lantai, "watch", "--once"], env=environment, capture_output=True, text=True, check=False)
    assert none.returncode == 65
    settings.write_text(
        settings.read_text() + f'\n[[watched]]\npath = "{folder}"\norgan = "bureau"\nquiet_seconds = 1\n',
        encoding="utf-8",
    )
    (folder / "a.txt").write_bytes(b"a")
    done = subprocess.run(
        [lantai, "watch", "--once", "--json"], env=environment, capture_output=True, text=True, check=False
    )
    assert (done.returncode, json.loads(done.stdout)) == (0, {"taken": 1, "in_trouble": []}), done.stderr


def test_what_changes_while_it_is_taken_is_taken_once_and_whole(
    site: Site, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "户档").mkdir()
    (folder / "户档" / "1.txt").write_text("一", encoding="utf-8")
    watch.look(site)
    really = watch.receive_path

    def meanwhile(archive: Archive, submission_id: str, paths: list[Path], **given: Any) -> None:
        asked = given.pop("still")

        def still() -> bool:
            (folder / "户档" / "2.txt").write_text("二", encoding="utf-8")
            return bool(asked())

        really(archive, submission_id, paths, still=still, **given)

    monkeypatch.setattr(watch, "receive_path", meanwhile)
    assert _later(site) == 0
    monkeypatch.undo()
    [half] = _submissions(site)
    assert half.state == "withdrawn"
    assert not (site.archive.quarantine / half.id).exists()
    assert (folder / "户档" / "2.txt").exists()
    assert _later(site) == 0
    assert _later(site) == 1
    whole = _submissions(site)[1]
    assert (whole.state, _files(site, whole.id)) == ("examining", ["1.txt", "2.txt"])


def test_an_entry_whose_deposit_was_withdrawn_is_taken_anew(site: Site, folder: Path) -> None:
    """A person gives up what was received by half; what lies in the folder is not put away as if it were kept."""
    (folder / "a.txt").write_bytes(b"a")
    watch.look(site)
    mark = watch.fingerprint(folder / "a.txt")
    with site.archive.sessions.begin() as session:
        actor = console_actor(session, site.archive.profile, "test")
        begun = open_submission(
            session,
            archive=site.archive,
            actor=actor,
            organ_id=None,
            title="a.txt",
            channel="watched",
            idempotency_key=f"watched:{mark}",
        )
        withdraw(session, archive=site.archive, actor=actor, submission_id=begun.id)
    assert _later(site) == 1
    first, second = _submissions(site)
    assert (first.state, second.state, _files(site, second.id)) == ("withdrawn", "examining", ["a.txt"])


def test_a_place_for_taken_things_that_leads_elsewhere_is_trouble(site: Site, folder: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (folder / "taken").symlink_to(tmp_path / "elsewhere")
    (folder / "a.txt").write_bytes(b"a")
    watch.look(site)
    assert _later(site) == 0
    assert [one.path for one in watch.troubles(site)] == [folder]
    assert list((tmp_path / "elsewhere").iterdir()) == []
