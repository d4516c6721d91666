"""How far the index is: on the page, for programs, at the console; made anew by a real worker beside the live one."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select
from typer.testing import CliRunner

from access.actors import SYSTEM
from lantai import care, indexing
from lantai.cli.app import whole
from lantai.settings import load
from lantai.site import Site, initialise
from lantai.worker import Worker
from metadata.errors import Unavailable
from repository import leases, outbox
from repository.tables import IndexState, LedgerEntry
from search.indexer import REBUILD_LEASE, consume
from tests.unit.lantai_web.conftest import PASSWORD, Browser, _people, serving, take_in

PAPERS = 5
Visit = Callable[[str], Browser]


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """A site with a few papers in its index."""
    made = initialise(load(home=tmp_path / "home", synthetic=True), bureau="云岭县民政局", division="990101")
    _people(made)
    folder = tmp_path / "papers"
    folder.mkdir()
    for number in range(PAPERS):
        (folder / f"入户调查表{number}.txt").write_text("清册样本")
    take_in(made, folder)
    yield made
    made.close()


@pytest.fixture
def base(site: Site) -> Iterator[str]:
    """The address of the running site."""
    with serving(site) as address:
        yield address


@pytest.fixture
def visit(base: str) -> Iterator[Callable[[str], Browser]]:
    """Sign somebody in."""
    with ExitStack() as opened:

        def browser(username: str) -> Browser:
            one = Browser(base)
            opened.callback(one.http.close)
            assert one.sign_in(username, PASSWORD).status_code == 303
            return one

        yield browser


def _behind(site: Site, minutes: int) -> None:
    with site.archive.sessions.begin() as session:
        outbox.enqueue(session, outbox.RECORD, ["x", "y"], site.archive.clock.now() - timedelta(minutes=minutes))


def test_the_page_says_how_far_the_index_is(site: Site, visit: Visit) -> None:
    browser = visit("sysadmin")
    assert "索引已跟上目录" in browser.get("/system").text
    _behind(site, 125)
    text = browser.get("/system").text
    assert "有 2 项更改尚未编入索引，最早一项已等待 2 小时" in text
    assert "sentence--look" in text
    told = browser.api("GET", "/system/index").json()
    assert (told["usable"], told["pending"], told["documents"]) == (True, 2, PAPERS)
    assert told["oldest_seconds"] >= 125 * 60
    assert browser.api("GET", "/system/status").json()["index_lag"] == 2
    consume(site.archive, site.search_engine, "test")
    assert "索引已跟上目录" in browser.get("/system").text


def test_an_index_that_cannot_be_used_says_so(site: Site, visit: Visit) -> None:
    (site.settings.index_folder / "live.json").write_text("{")
    browser = visit("sysadmin")
    assert "索引不能使用" in browser.get("/system").text
    assert browser.api("GET", "/system/index").json()["usable"] is False
    assert visit("archivist").http.get("/search?q=清册").status_code == 503


def test_a_worker_makes_the_index_anew_beside_the_live_one(site: Site, visit: Visit) -> None:
    before = site.index.live_generation()
    admin, archivist = visit("sysadmin"), visit("archivist")
    assert "/system/index/rebuild" not in archivist.get("/system").text
    assert archivist.post("/system/index/rebuild").status_code == 403
    assert archivist.api("POST", "/system/index/rebuild").status_code == 403
    assert 'action="/system/index/rebuild"' in admin.get("/system").text
    sent = admin.post("/system/index/rebuild")
    assert sent.status_code == 303
    assert "工作进程正在重建索引" in admin.get(sent.headers["location"].partition("#")[0]).text
    again = admin.api("POST", "/system/index/rebuild")
    assert again.status_code == 202
    job = again.json()["job"]
    assert [one["id"] for one in admin.api("GET", "/system/jobs").json()["items"] if "rebuild" in one["work"]] == [job]
    worker = Worker(site, schedules=False)
    worker.start()
    try:
        deadline = time.monotonic() + 60
        while site.index.live_generation() == before:
            assert time.monotonic() < deadline
            assert archivist.api("GET", "/search?q=清册").json()["total"] == PAPERS  # searching goes on
        while admin.api("GET", f"/system/jobs/{job}").json()["job"]["state"] != "done":
            assert time.monotonic() < deadline
            time.sleep(0.1)
    finally:
        worker.stop()
    assert archivist.api("GET", "/search?q=清册").json()["total"] == PAPERS
    assert [one.name for one in site.settings.index_folder.glob("g-*")] == [site.index.live_generation()]
    told = admin.api("GET", "/system/index").json()
    assert told["built_at"]
    assert told["built_documents"] == PAPERS
    assert told["rebuilding"] is None
    third = admin.api("POST", "/system/index/rebuild").json()["job"]  # the first has ended: a new one
    assert third != job


def test_the_index_of_a_large_holding_is_made_anew_by_a_job_of_its_own(
    site: Site, visit: Visit, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the clock begins every minute must not wait for it."""
    monkeypatch.setattr(care, "INDEXED_AT_ONCE", PAPERS - 1)
    (site.settings.index_folder / "live.json").write_text("{")
    assert care.run(site, "index") == care.run(site, "index") == 0
    admin, archivist = visit("sysadmin"), visit("archivist")
    [job] = [one for one in admin.api("GET", "/system/jobs").json()["items"] if "rebuild" in one["work"]]
    assert (job["state"], job["queue"]) == ("waiting", "index")
    assert archivist.http.get("/search?q=清册").status_code == 503
    worker = Worker(site, schedules=False)
    worker.start()
    try:
        deadline = time.monotonic() + 60
        while admin.api("GET", f"/system/jobs/{job['id']}").json()["job"]["state"] != "done":
            assert time.monotonic() < deadline
            time.sleep(0.1)
    finally:
        worker.stop()
    assert archivist.api("GET", "/search?q=清册").json()["total"] == PAPERS
    with site.archive.reading() as session:
        by = session.scalars(select(LedgerEntry.actor_id).where(LedgerEntry.act == "index.rebuilt")).all()
    assert by == [SYSTEM.id]


def test_a_running_rebuild_is_seen_and_a_second_one_waits_or_leaves_it_alone(
    site: Site, visit: Visit, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = site.archive
    seen: list[indexing.Rebuilding | None] = []

    def look(_done: int, _total: int | None) -> None:
        with archive.reading() as session:
            seen.append(indexing.report(session, site).rebuilding)

    monkeypatch.setattr(indexing, "_TOLD_EVERY", 0.0)
    indexing.rebuild(site, SYSTEM.ref, look)
    assert seen[-1] is not None
    with leases.held(archive.sessions, REBUILD_LEASE, "somebody", 60, archive.clock):
        with archive.sessions.begin() as session:
            detail = {"done": 3, "total": 5, "began_at": None}
            session.add(IndexState(name="records-rebuild", generation="", built_at=None, detail=detail))
        admin = visit("sysadmin")
        text = admin.get("/system").text
        assert "3 / 5" in text
        assert 'action="/system/index/rebuild"' not in text
        assert admin.api("GET", "/system/index").json()["rebuilding"]["done"] == 3
        with pytest.raises(Unavailable):
            indexing.rebuild(site, SYSTEM.ref)
        monkeypatch.setattr(indexing, "_LEASE_ENDS", 0.0)
        assert indexing.rebuild_once(site, SYSTEM.ref) == 0
    assert indexing.rebuild_once(site, SYSTEM.ref) == PAPERS


def test_the_console_says_the_same(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LANTAI_HOME", str(site.settings.home))
    run = CliRunner()
    _behind(site, 1)
    told = run.invoke(whole(), ["index", "status"])
    assert told.exit_code == 0
    assert "待编入 2 项" in told.stdout
    assert '"pending": 2' in run.invoke(whole(), ["index", "status", "--json"]).stdout
    assert f'"documents": {PAPERS}' in run.invoke(whole(), ["index", "rebuild", "--json"]).stdout
    assert "索引已跟上目录" in run.invoke(whole(), ["index", "status"]).stdout
    (site.settings.index_folder / "live.json").write_text("{")
    assert "lantai index rebuild" in run.invoke(whole(), ["index", "status"]).output
