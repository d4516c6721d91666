"""The index follows the outbox, survives kills, and is made anew while it is followed."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import delete, select, update

from access.accounts import Actor
from metadata.errors import Unavailable
from metadata.household import household_no
from repository import leases, outbox
from repository.archive import Archive
from repository.tables import CaseFile, CaseRecord, Household, IndexState, Record
from search import indexer
from search.engines.embedded import MARKER, TantivyEngine
from search.generations import FolderHome
from search.home import LiveIndex
from search.indexer import Lag, consume, follow, lag, rebuild
from search.service import search

if TYPE_CHECKING:
    from tests.unit.search.conftest import Shelf

Indexed = Callable[[], TantivyEngine]
HOUSEHOLD_NO = household_no("990101001002", 17)


def total(archive: Archive, engine: TantivyEngine, actor: Actor, text: str) -> int:
    return search(archive, engine, actor, text, reason="test").total


def test_updates_and_replays_keep_one_entry(
    archive: Archive, shelf: Shelf, indexed: Indexed, home: FolderHome, console: Actor
) -> None:
    one = shelf.record("旧题名", ("a.txt", "甲"))
    assert consume(archive, home.open_live, "test") == 1
    for title in ("新题名", "新题名二"):
        shelf.change(one, title=title)
        indexed().close()
    with archive.sessions.begin() as session:  # replay what was done already
        outbox.enqueue(session, outbox.RECORD, [one, one, "00000000-0000-4000-8000-000000000000"], archive.clock.now())
    engine = indexed()
    assert engine.count() == 1
    assert total(archive, engine, console, "题名二") == 1
    assert total(archive, engine, console, "旧题名") == 0
    with archive.reading() as session:
        assert outbox.lag(session) == 0
    assert consume(archive, home.open_live, "test") == 0
    engine.close()


def test_rows_stay_when_the_index_refuses(archive: Archive, shelf: Shelf, home: FolderHome) -> None:
    shelf.record("题名", ("a.txt", "甲"))
    other = home.open_live()
    other.apply([], [])  # holds the writer's lock, as another process would
    with pytest.raises(Unavailable) as caught:
        consume(archive, home.open_live, "test")
    assert caught.value.code == "index.writer_busy"
    with archive.reading() as session:
        assert outbox.lag(session) == 1
    other.close()
    assert consume(archive, home.open_live, "test") == 1


def test_one_writer_at_a_time(archive: Archive, shelf: Shelf, home: FolderHome) -> None:
    shelf.record("题名", ("a.txt", "甲"))
    assert leases.take(archive.sessions, "index-writer", "another", 60, archive.clock)
    with pytest.raises(Unavailable) as caught:
        consume(archive, home.open_live, "test")
    assert caught.value.code == "lease.held"


def test_rebuild_swaps_and_leaves_one_generation(
    archive: Archive, shelf: Shelf, indexed: Indexed, home: FolderHome, index_folder: Path, console: Actor
) -> None:
    for n in range(7):
        shelf.record(f"题名{n}", ("a.txt", "甲"))
    engine = indexed()
    live = LiveIndex(home)
    before = live.engine()
    told: list[tuple[int, int | None]] = []
    info = rebuild(archive, home, lambda done, total=None: told.append((done, total)))
    assert info.documents == 7
    assert told[-1] == (7, 7)
    assert home.live_generation() == info.generation
    assert [path.name for path in index_folder.glob("g-*")] == [info.generation]
    assert before.count() == 7  # an open reader keeps what it had
    assert live.engine() is not before
    assert live.engine() is live.engine()
    assert total(archive, live.engine(), console, "题名") == 7
    with archive.reading() as session:
        state = session.get_one(IndexState, "records")
        assert (state.generation, state.detail) == (info.generation, {"documents": 7})
    live.close()
    engine.close()


def test_rebuild_while_records_change_and_the_outbox_is_followed(
    archive: Archive, shelf: Shelf, indexed: Indexed, home: FolderHome, console: Actor
) -> None:
    kept = [shelf.record(f"题名{n}", ("a.txt", "甲" * 200)) for n in range(120)]
    indexed().close()
    stop = threading.Event()
    changed: list[str] = []

    def live_on() -> None:
        n = 0
        while not stop.is_set():
            shelf.change(kept[n % 120], title=f"改后{n}")
            if n % 7 == 0:
                changed.append(shelf.record(f"新增{n}", ("b.txt", "乙")))
            if n % 11 == 0:
                shelf.change(kept[119], state="destroyed")
            if n % 3 == 0:
                try:
                    consume(archive, home.open_live, "follower")
                except Unavailable:
                    time.sleep(0.01)
            n += 1

    follower = threading.Thread(target=live_on)
    follower.start()
    for _ in range(3):
        rebuild(archive, home)
    stop.set()
    follower.join()
    engine = indexed()
    assert engine.count() == 119 + len(changed)
    with archive.reading() as session:
        titles = {row.id: row.title for row in session.query(Record.id, Record.title).filter_by(state="active")}
    for record_id in [*kept[:119:20], *changed[:3]]:
        page = search(archive, engine, console, f'"{titles[record_id]}"', reason="test")
        assert record_id in {hit["record_id"] for hit in page.hits}
    engine.close()


def test_a_failed_rebuild_leaves_the_live_index(
    archive: Archive, shelf: Shelf, indexed: Indexed, home: FolderHome, index_folder: Path
) -> None:
    shelf.record("题名", ("a.txt", "甲"))
    engine = indexed()

    def interrupt(done: int, total: int | None = None) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        rebuild(archive, home, interrupt)
    assert [path.name for path in index_folder.glob("g-*")] == [engine.folder.name]
    assert engine.count() == 1
    rebuild(archive, home)  # its lease was given back
    engine.close()


def test_a_rebuild_that_lost_its_turn_at_the_end_does_not_swap(
    archive: Archive, shelf: Shelf, indexed: Indexed, home: FolderHome, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While its last entries took too long another followed the outbox, on the index that the swap would put away."""
    shelf.record("题名", ("a.txt", "甲"))
    live = indexed()
    real = indexer._swap

    def swap(writing: Any, *given: Any) -> None:
        renew = writing.renew

        def lost() -> bool:
            leases.release(archive.sessions, indexer.WRITER_LEASE, writing.holder)
            assert leases.take(archive.sessions, indexer.WRITER_LEASE, "another", 20.0, archive.clock)
            return bool(renew())

        monkeypatch.setattr(indexer._Writing, "renew", lambda _self: lost())
        real(writing, *given)

    monkeypatch.setattr(indexer, "_swap", swap)
    with pytest.raises(Unavailable) as error:
        rebuild(archive, home)
    assert error.value.code == "index.writer_busy"
    assert home.live_generation() == live.folder.name
    live.close()


def test_an_index_of_other_rules_says_what_to_do(
    archive: Archive, shelf: Shelf, indexed: Indexed, home: FolderHome, index_folder: Path
) -> None:
    shelf.record("题名", ("a.txt", "甲"))
    engine = indexed()
    engine.close()
    marker = engine.folder / MARKER
    marker.write_text(json.dumps({"format": "lantai-index/1", "analysis": "0-00000000"}))
    with pytest.raises(Unavailable) as caught:
        home.open_live()
    assert caught.value.code == "index.outdated"
    (index_folder / "live.json").write_text("{")
    with pytest.raises(Unavailable) as caught:
        home.open_live()
    assert caught.value.code == "index.damaged"
    rebuild(archive, home)
    engine = home.open_live()
    assert engine.count() == 1
    engine.close()


def test_a_worker_makes_an_unusable_index_anew(
    archive: Archive, shelf: Shelf, indexed: Indexed, home: FolderHome, console: Actor
) -> None:
    one = shelf.record("题名", ("a.txt", "甲"))
    shelf.household(HOUSEHOLD_NO, "张伟", "11010519491231002X", [one])
    engine = indexed()
    engine.close()
    assert follow(archive, home, "test") == 0  # nothing to do
    (engine.folder / MARKER).write_text(json.dumps({"format": "lantai-index/1", "analysis": "0-00000000"}))
    with archive.reading() as session:
        assert lag(session, home).documents is None
    assert follow(archive, home, "test") == 2
    engine = home.open_live()
    assert engine.count() == 2
    assert total(archive, engine, console, "题名") == 1
    engine.close()
    shutil.rmtree(engine.folder)
    assert follow(archive, home, "test") == 2
    assert follow(archive, home, "test") == 0


def test_the_lag_is_told(archive: Archive, shelf: Shelf, indexed: Indexed, home: FolderHome) -> None:
    with archive.reading() as session:
        assert lag(session, home) == Lag(0, None, None, None)
    shelf.record("题名", ("a.txt", "甲"))
    with archive.reading() as session:
        told = lag(session, home)
    assert (told.pending, told.oldest_at, told.documents) == (1, archive.clock.now(), None)
    engine = indexed()
    engine.close()
    with archive.reading() as session:
        assert lag(session, home) == Lag(0, None, engine.folder.name, 1)


def test_the_register_follows_the_outbox_and_outlives_a_rebuild(
    archive: Archive, shelf: Shelf, indexed: Indexed, home: FolderHome, console: Actor
) -> None:
    one = shelf.record("题名", ("a.txt", "甲"))
    shelf.household(HOUSEHOLD_NO, "张伟", "11010519491231002X", [one])
    engine = indexed()
    assert engine.count() == 2
    engine.close()
    with archive.sessions.begin() as session:
        session.execute(update(Household).values(applicant_name="李四光"))
        outbox.enqueue(session, outbox.RECORD, [one], archive.clock.now())  # a record brings its case files with it
    for made in (indexed, lambda: (rebuild(archive, home), home.open_live())[1]):
        engine = made()
        assert engine.count() == 2
        page = search(archive, engine, console, "李四光", kinds=("household",), reason="test")
        assert [hit["household_no"] for hit in page.hits] == [HOUSEHOLD_NO]
        engine.close()
    with archive.sessions.begin() as session:
        case_id = session.scalar(select(CaseFile.id))
        session.execute(delete(CaseRecord))
        session.execute(delete(CaseFile))
        outbox.enqueue(session, outbox.CASE_FILE, [str(case_id)], archive.clock.now())
    engine = indexed()
    assert engine.count() == 1
    engine.close()


KILLED = """
import sys
from pathlib import Path
from typing import TYPE_CHECKING
from search.analysis import analyse
from search.engines.base import IndexDocument
from search.engines.embedded import TantivyEngine

engine = TantivyEngine(Path(sys.argv[1]))
text = analyse("低保档案" * 300)
n = 0
while True:
    engine.apply([IndexDocument(f"r{n}-{m}", n, text, text, (), "990101", "open", ()) for m in range(50)], [])
    n += 1
    print(n, flush=True)
"""


@pytest.mark.parametrize("commits", [1, 3, 6])
def test_a_killed_writer_loses_nothing_that_was_applied(tmp_path: Path, commits: int) -> None:
    folder = tmp_path / "index"
    TantivyEngine(folder, create=True).close()
    with subprocess.Popen([sys.executable, "-c", KILLED, str(folder)], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if int(line) >= commits:
                break
        time.sleep(0.02)  # somewhere inside the next commit
        os.kill(process.pid, signal.SIGKILL)
        rest = process.stdout.read().split()
    told = int(rest[-1]) if rest else commits
    engine = TantivyEngine(folder)
    assert engine.count() in {told * 50, (told + 1) * 50}  # whole commits only
    engine.apply([], ["r0-0"])
    assert engine.count() in {told * 50 - 1, (told + 1) * 50 - 1}
    engine.close()
