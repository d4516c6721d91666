"""Workers side by side: one killed, one frozen, three at one clock; nothing lost, nothing twice."""

from __future__ import annotations

import base64
import os
import signal
import subprocess
import time
from collections import Counter
from pathlib import Path

import pytest
from sqlalchemy import text

from access.actors import console_actor
from lantai import steering
from lantai.heartbeats import workers
from lantai.job_rows import JobFilter
from repository.rights import JOBS_SCHEMA
from tests.journeys.commands import LANTAI
from tests.journeys.workshop import TTL, Workshop, workshop
from tests.services.base import free_ports, freeze

pytestmark = pytest.mark.slow
DATABASES = ("sqlite", "postgresql")


def _settings(kind: str, request: pytest.FixtureRequest) -> str:
    if kind == "sqlite":
        return ""
    made = request.getfixturevalue("postgres").create_database()
    return f'database_url = "{made.program_url}"\ndatabase_owner_url = "{made.owner_url}"\n'


def _kill_one_of_three(shop: Workshop, *, frozen: bool) -> float:
    """Stop a worker that has work in hand, without a word; seconds until others had its work."""
    workers = [shop.start() for _ in range(3)]
    shop.await_(lambda: any(shop.running(one) for one in workers))
    victim = next(one for one in workers if shop.running(one))
    freeze(victim.pid)  # so that what it has in hand can be read before it dies
    held = set(shop.running(victim))
    if not frozen:
        os.kill(victim.pid, signal.SIGKILL)
    taken = shop.await_(lambda: not shop.running(victim), seconds=120) if held else 0.0
    if frozen:
        os.kill(victim.pid, signal.SIGCONT)
    shop.await_(shop.at_rest, seconds=600)
    if frozen:
        assert victim.poll() is None  # it woke, found its work in other hands, and goes on with other work
    return taken


@pytest.mark.parametrize("kind", DATABASES)
def test_a_killed_workers_deposits_are_finished_by_the_others(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str]
) -> None:
    with workshop(tmp_path / "home", _settings(kind, request)) as shop:
        shop.deposit(tmp_path / "papers", 30)
        taken = _kill_one_of_three(shop, frozen=False)
        shop.check()
        again = Counter(one.attempts for one in shop.jobs())
    with capsys.disabled():
        print(
            f" [{kind}: taken over after {taken:.1f} s at a time-to-live of {TTL} s; times begun {dict(again)}]", end=""
        )


def test_a_frozen_worker_wakes_up_to_find_its_work_done_by_others(
    tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """On PostgreSQL: a process that stands still while it writes to SQLite's file keeps it from everybody."""
    with workshop(tmp_path / "home", _settings("postgresql", request)) as shop:
        shop.deposit(tmp_path / "papers", 6)
        _kill_one_of_three(shop, frozen=True)
        shop.check()


@pytest.mark.parametrize("kind", ["postgresql"])
def test_three_workers_begin_once_what_the_clock_wants(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    with workshop(tmp_path / "home", _settings(kind, request)) as shop:
        for _ in range(3):
            shop.start()
        site = shop.site

        def ticks() -> list[str]:
            with site.archive.reading() as session:
                wanted = JobFilter(work="care.seal")
                return [one.id for one in site.jobs.rows.listed(session, wanted) if one.state == "done"]

        shop.await_(lambda: len(ticks()) >= 1, seconds=240)
        time.sleep(5)  # a second run of the same minute would be there by now
        assert len({one[:33] for one in ticks()}) == len(ticks())  # one run a minute, however many look at the clock


def test_a_worker_serves_only_the_queues_it_was_given(tmp_path: Path) -> None:
    with workshop(tmp_path / "home") as shop:
        shop.deposit(tmp_path / "papers", 2)
        shop.start("--queues", "ocr,images")
        with_site = shop.site

        def beats() -> bool:
            with with_site.archive.reading() as session:
                return bool(session.execute(text("SELECT count(*) FROM heartbeat")).scalar())

        shop.await_(beats)
        time.sleep(3)
        assert {one.state for one in shop.jobs()} == {"waiting"}
        shop.start("--queues", "ingest,follow_up")
        shop.await_(shop.at_rest)


def test_ctrl_c_in_a_terminal_ends_server_and_worker_in_order(tmp_path: Path) -> None:
    with workshop(tmp_path / "home") as shop, (tmp_path / "said").open("w+b") as said:

        def beating() -> list[str]:
            with shop.site.archive.reading() as session:
                return [one.id for one in workers(session, TTL)]

        serving = subprocess.Popen(
            [str(LANTAI), "serve", "--port", str(free_ports(1)[0])],
            env={**os.environ, "LANTAI_HOME": str(shop.site.settings.home)},
            stdout=said,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            shop.deposit(tmp_path / "papers", 1)
            shop.await_(shop.at_rest)
            assert beating()
            os.killpg(serving.pid, signal.SIGINT)  # as a terminal does: to every process in it
            serving.wait(timeout=90)
        finally:
            serving.kill()
        told = (tmp_path / "said").read_text(encoding="utf-8")
        assert not any(one in told for one in ("twice", "Traceback", "Fatal")), told
        assert beating() == [], told  # a worker that ends in order takes its row along


def test_a_terminated_server_ends_its_worker_in_order(tmp_path: Path) -> None:
    with workshop(tmp_path / "home") as shop, (tmp_path / "said").open("w+b") as said:
        serving = subprocess.Popen(
            [str(LANTAI), "serve", "--port", str(free_ports(1)[0])],
            env={**os.environ, "LANTAI_HOME": str(shop.site.settings.home)},
            stdout=said,
            stderr=subprocess.STDOUT,
        )
        try:
            shop.deposit(tmp_path / "papers", 1)
            shop.await_(shop.at_rest)
            serving.terminate()
            assert serving.wait(timeout=90) == 0
        finally:
            serving.kill()
        with shop.site.archive.reading() as session:
            assert workers(session, TTL) == []


def test_a_worker_that_cannot_begin_says_why_while_its_starter_waits(tmp_path: Path) -> None:
    with workshop(tmp_path / "home") as shop:
        home = shop.site.settings.home
        shop.site.close()
        (home / "lantai.db").rename(home / "away.db")
        done = subprocess.Popen(
            [str(LANTAI), "worker", "--until-closed"],
            env={**os.environ, "LANTAI_HOME": str(home)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        assert done.wait(timeout=60) > 0  # and is not ended by a signal
        assert done.stdin is not None
        assert done.stdout is not None
        told = done.stdout.read().decode()
        done.stdin.close()
        done.stdout.close()
        assert "lantai rebuild" in told
        assert not any(one in told for one in ("Traceback", "Fatal")), told


@pytest.mark.parametrize("kind", ["sqlite"])
def test_a_forged_pickle_in_a_row_is_never_read(kind: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    """Neither by whoever lists jobs nor by the worker that takes it up; other jobs go on."""
    with workshop(tmp_path / "home", _settings(kind, request)) as shop:
        shop.deposit(tmp_path / "papers", 2)
        victim, table = f"ingest-{shop.submissions[0]}", "workflow_status"
        schema = "" if kind == "sqlite" else f"{JOBS_SCHEMA}."
        trace = tmp_path / "run-by-pickle"
        # what a pickle that runs a command looks like: protocol 0, opcodes c R, in base64 as the engine keeps it
        forged = base64.b64encode(f"cos\nsystem\n(S'touch {trace}'\ntR.".encode()).decode()
        with shop.site.engine.begin() as connection:
            for name, column in (("workflow_input", "inputs"), (table, "inputs")):
                connection.execute(
                    text(f"UPDATE {schema}{name} SET {column} = :forged WHERE workflow_uuid = :id"),
                    {"forged": forged, "id": victim},
                )
            connection.execute(
                text(f"UPDATE {schema}{table} SET serialization = 'py_pickle' WHERE workflow_uuid = :id"),
                {"id": victim},
            )
        assert len(shop.jobs()) == 2
        shop.start()
        shop.await_(lambda: shop.done() == 1)
        refused = "pickle is never read"
        shop.await_(lambda: refused in (tmp_path / "worker-0.log").read_text(encoding="utf-8", errors="replace"))
        assert not trace.exists()
        with shop.site.archive.reading() as session:
            actor = console_actor(session, shop.site.archive.profile, "test")
        with shop.site.archive.sessions.begin() as session:
            steering.stop(session, shop.site, actor, victim)  # it stands as running until an operator stops it
        assert {one.id: one.state for one in shop.jobs()}[victim] == "stopped"
