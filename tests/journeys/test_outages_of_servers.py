"""Real servers that go away under a running site: what waits, what is refused in which words, what goes on by itself."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from sqlalchemy import select

from access.actors import console_actor
from ingest.pipeline import Context, advance
from ingest.submissions import open_submission, receive_path
from lantai import ending
from lantai.parts import Part
from lantai.probes import parts_of
from lantai.settings import load
from lantai.site import Site, initialise
from metadata.errors import Unavailable
from repository.fixity import Outcome, audit
from repository.ledger.acts import ActorRef
from repository.tables import Record, Submission
from tests.journeys.commands import Commands
from tests.journeys.disks import filled, small_disk
from tests.journeys.workshop import hire
from tests.services.base import NotHere, freeze
from tests.services.postgres import Postgres
from tests.services.seaweed import Seaweed
from tests.unit.lantai_web.conftest import Browser, serving


@contextmanager
def a_site(home: Path, *lines: str) -> Iterator[Site]:
    """A new site with these lines of settings, one archivist and one officer."""
    home.mkdir()
    (home / "lantai.toml").write_text("\n".join((*lines, "[metrics]", 'access = "loopback"')), encoding="utf-8")
    site = initialise(load(home=home), bureau="县民政局", division="990101")
    try:
        hire(site)
        yield site
    finally:
        site.close()


def _deposit(site: Site, folder: Path, name: str, words: str, *, enqueue: bool = False) -> str:
    """A deposit of one paper, received and not yet examined; ``enqueue``: handed to the workers."""
    paper = folder / name
    paper.write_text(words, encoding="utf-8")
    with site.archive.sessions.begin() as session:
        actor = console_actor(session, site.archive.profile, "test")
        opened = open_submission(
            session,
            archive=site.archive,
            actor=actor,
            organ_id=actor.organ_id,
            title=name,
            channel="console",
            options={"accept": True},
        )
    receive_path(site.archive, opened.id, [paper])
    if enqueue:
        with site.archive.sessions.begin() as session:
            site.jobs.enqueue_ingest(session, opened.id)
    return opened.id


def _state(site: Site, submission_id: str) -> str:
    with site.archive.reading() as session:
        return session.scalars(select(Submission.state).where(Submission.id == submission_id)).one()


def _waits_for(site: Site, submission_id: str) -> dict[str, str]:
    """The sentence of the deposit that waits; empty while there is none."""
    with site.archive.reading() as session:
        row = session.scalars(select(Submission).where(Submission.id == submission_id)).one()
        return dict(row.error or {})


@contextmanager
def a_store(folder: Path) -> Iterator[Seaweed]:
    """A SeaweedFS with small volumes, its data in ``folder``."""
    store = Seaweed(folder, volume_megabytes=8)
    try:
        yield store.start()
    except NotHere as error:
        pytest.skip(f"no SeaweedFS here: {error}")
    finally:
        store.close()


@contextmanager
def examining(site: Site) -> Iterator[Callable[[str], str]]:
    """The pipeline in this process."""
    context = Context.open(site.archive, site.settings.limits, processes=1)
    try:
        yield lambda submission_id: advance(context, submission_id)
    finally:
        context.close()


def _parts(site: Site) -> dict[str, Part]:
    looked = parts_of(site)
    try:
        return {one.name: one for one in looked.look()}
    finally:
        looked.close()


def _await(true: Callable[[], bool], what: str, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, what
        time.sleep(0.3)


def _children(pid: int) -> list[int]:
    return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def _ready(browser: Browser) -> httpx.Response:
    return browser.http.get("/readyz")


def test_the_database_goes_away_and_comes_back(own_postgres: Postgres, tmp_path: Path) -> None:
    made = own_postgres.create_database()
    urls = f'database_url = "{made.program_url}"', f'database_owner_url = "{made.owner_url}"'
    with a_site(tmp_path / "home", *urls) as site, serving(site) as base:
        browser = Browser(base)
        browser.sign_in("archivist")
        assert _ready(browser).status_code == 200
        own_postgres.kill()
        page = browser.http.get("/holdings")
        assert page.status_code == 503
        assert page.headers["retry-after"] == "30"
        assert "数据库" in page.text
        told = browser.http.get("/api/v1/records", headers={"Accept-Language": "en"})
        assert told.status_code == 503
        assert told.json()["code"].startswith("database.")
        assert told.json()["request_id"] == told.headers["x-request-id"]
        assert made.program_url not in page.text + told.text
        form = browser.post("/search/saved", {"query": "q=低保", "name": "我写的名字"})
        assert form.status_code == 503
        assert "我写的名字" in form.text, "what was typed stays"
        assert f'name="csrf" value="{browser.csrf}"' in form.text, "and can be sent again"
        stranger = httpx.post(f"{base}/search/saved", data={"name": "别人写的"})
        assert "别人写的" not in stranger.text
        _await(lambda: _ready(browser).status_code == 503, "not ready without a database")
        assert _ready(browser).json()["parts"]["database"]["state"] == "down"
        assert browser.http.get("/healthz").status_code == 200
        figures = browser.http.get("/metrics").text
        assert 'lantai_part_state{part="database",state="down"} 1.0' in figures
        assert "lantai_records" not in figures
        own_postgres.start()
        _await(lambda: _ready(browser).status_code == 200, "ready again by itself")
        assert browser.http.get("/holdings").status_code == 200, "the session is still there"
        browser.http.close()


def test_a_database_that_hangs_does_not_hang_the_watch(own_postgres: Postgres, tmp_path: Path) -> None:
    made = own_postgres.create_database()
    urls = f'database_url = "{made.program_url}"', f'database_owner_url = "{made.owner_url}"'
    with a_site(tmp_path / "home", *urls) as site, serving(site) as base:
        browser = Browser(base)
        _await(lambda: _ready(browser).status_code == 200, "ready")
        assert own_postgres.pid is not None
        own_postgres.pause()  # first, so that no child comes or goes while the others are stopped
        children = _children(own_postgres.pid)
        for pid in children:
            freeze(pid)
        try:
            _await(lambda: _ready(browser).status_code == 503, "told within some seconds", 40)
            told = _ready(browser).json()["parts"]
            assert told["database"]["state"] == "down"
            assert told["replica a"]["state"] == "not_checked", "nobody says of another part what is not known"
            assert browser.http.get("/healthz").status_code == 200
        finally:
            for pid in children:
                os.kill(pid, signal.SIGCONT)
            own_postgres.resume()
        _await(lambda: _ready(browser).status_code == 200, "ready again by itself")
        browser.http.close()


def _two_replicas(store: Seaweed) -> tuple[str, ...]:
    """Settings of a folder and of a new bucket of ``store``."""
    return (
        "[[replicas]]",
        'name = "a"',
        'path = "replicas/a"',
        "[[replicas]]",
        'name = "b"',
        'kind = "s3"',
        f'endpoint = "{store.endpoint}"',
        f'bucket = "{store.make_bucket()}"',
        f'access_key = "{store.writer.access_key}"',
        f'secret_key = "{store.writer.secret_key}"',
        "quick_seconds = 2",
    )


def test_a_worker_that_starts_while_the_database_is_away_waits(own_postgres: Postgres, tmp_path: Path) -> None:
    made = own_postgres.create_database()
    urls = f'database_url = "{made.program_url}"', f'database_owner_url = "{made.owner_url}"'
    with a_site(tmp_path / "home", *urls) as site:
        own_postgres.kill()
        worker = Commands(site.settings.home).start("worker")
        try:
            assert worker.stdout is not None
            told = next((line for line in worker.stdout if "waits to start" in line), "")
            assert "database" in told, told
            assert made.program_url not in told
            own_postgres.start()
            _await(lambda: _parts(site)["workers"].state == "ok", "it works by itself")
            assert worker.poll() is None
        finally:
            worker.terminate()
            worker.communicate(timeout=60)


def test_a_worker_ends_when_told_though_the_database_does_not_come_back(own_postgres: Postgres, tmp_path: Path) -> None:
    made = own_postgres.create_database()
    urls = f'database_url = "{made.program_url}"', f'database_owner_url = "{made.owner_url}"'
    with a_site(tmp_path / "home", *urls, "worker_grace_seconds = 15") as site:
        workers = [Commands(site.settings.home).start("worker") for _ in range(2)]
        try:
            papers = range(40)
            deposits = [_deposit(site, tmp_path, f"{one}.txt", f"第 {one} 份申请书。", enqueue=True) for one in papers]
            _await(lambda: any(_state(site, one) == "done" for one in deposits), "they work")
            own_postgres.kill()
            for worker in workers:
                worker.terminate()
            time.sleep(1)
            workers[0].send_signal(signal.SIGINT)
            workers[0].wait(timeout=6)  # at once, not after the grace
            told = [worker.communicate(timeout=60)[0] for worker in workers]
        finally:
            for worker in workers:
                worker.kill()
        assert workers[0].returncode == ending.AT_ONCE, told
        assert "was told twice" in told[0]
        assert workers[1].returncode in (0, ending.AT_ONCE), told
        assert all(made.program_url not in one for one in told)
        own_postgres.start()
        with examining(site) as advance_to_the_end:
            for one in deposits:
                advance_to_the_end(one)
        assert {_state(site, one) for one in deposits} == {"done"}


def test_an_object_store_goes_away_while_depositing(own_seaweed: Seaweed, tmp_path: Path) -> None:
    replicas = _two_replicas(own_seaweed)
    with a_site(tmp_path / "home", *replicas) as site, examining(site) as examine:
        assert examine(_deposit(site, tmp_path, "甲.txt", "第一份")) == "done"
        assert _parts(site)["replica b"].state == "ok"
        own_seaweed.kill()
        waiting = _deposit(site, tmp_path, "乙.txt", "第二份")
        with pytest.raises(Unavailable):
            examine(waiting)
        with site.archive.reading() as session:
            row = session.scalars(select(Submission).where(Submission.id == waiting)).one()
            assert len(session.scalars(select(Record)).all()) == 1, "bytes before rows"
        assert row.error is not None
        assert (row.error["store"], row.attempts) == ("b", 0)
        assert "b" in row.error["en"]
        part = _parts(site)["replica b"]
        assert part.state == "down"
        assert "Deposits wait" in part.en
        results = audit(site.archive, actor=ActorRef("system", "system"))
        assert results.total(Outcome.NOT_CHECKED) > 0, "what could not be read is never intact"
        assert results.total(Outcome.MISSING) == 0
        own_seaweed.start()
        _await(lambda: _parts(site)["replica b"].state != "down", "the replica is taken up again")
        assert "deposits that wait" in _parts(site)["replica b"].en, "until a worker has tried again"
        assert examine(waiting) == "done"
        assert _parts(site)["replica b"].state == "ok"
        results = audit(site.archive, actor=ActorRef("system", "system"))
        assert results.total(Outcome.INTACT) == results.checked


def test_an_object_store_whose_disk_is_full_is_waited_for(tmp_path: Path) -> None:
    """SeaweedFS calls that an internal error, so the sentence says what it may be and where to look."""
    data = tmp_path / "store" / "data"
    data.mkdir(parents=True)
    with (
        small_disk(data, "256m"),
        a_store(tmp_path / "store") as store,
        a_site(tmp_path / "home", *_two_replicas(store)) as site,
        serving(site) as base,
    ):
        browser = Browser(base)
        browser.sign_in("officer")
        with filled(data, but=1 << 20) as ballast:
            waiting = _deposit(site, tmp_path, "大.txt", "很大的一份。" * (1 << 19), enqueue=True)
            worker = Commands(site.settings.home).start("worker")
            try:
                _await(lambda: bool(_waits_for(site, waiting)), "it waits", 120)
                told = _waits_for(site, waiting)
                assert (told["code"], told["store"]) == ("store.failed_inside", "b")
                assert "it may be full" in told["en"]
                _await(lambda: _ready(browser).json()["parts"]["replica b"]["state"] == "degraded", "shown", 90)
                assert "可能已满" in browser.http.get("/system").text
                with site.archive.reading() as session:
                    assert session.scalars(select(Record)).all() == [], "bytes before rows"
                ballast.unlink()
                _await(lambda: _state(site, waiting) == "done", "it goes on by itself", 150)
            finally:
                worker.terminate()
                worker.communicate(timeout=60)
        results = audit(site.archive, actor=ActorRef("system", "system"))
        assert results.total(Outcome.INTACT) == results.checked
        browser.http.close()
