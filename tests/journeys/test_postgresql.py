"""The thin path on PostgreSQL: a site is made, papers go in, are found, audited, sealed, verified and rebuilt."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from tests.journeys.commands import Commands
from tests.journeys.warm import Standby, WarmCommands
from tests.services.base import free_ports
from tests.services.postgres import PgDatabase, Postgres


@pytest.fixture
def database(postgres: Postgres) -> Iterator[PgDatabase]:
    """An empty database whose own language is Chinese."""
    made = postgres.create_database(locale="C.UTF-8", icu="zh-CN")
    yield made
    postgres.drop_database(made.name)


@pytest.fixture
def county(tmp_path: Path, database: PgDatabase, standby: Standby) -> WarmCommands:
    """A site on it, made by ``lantai init --yes``."""
    commands = WarmCommands(
        tmp_path / "home",
        {"LANTAI_DATABASE_URL": database.program_url, "LANTAI_DATABASE_OWNER_URL": database.owner_url},
        standby=standby,
    )
    commands.run("init", "--yes")
    return commands


def _await_answer(port: int) -> None:
    until = time.monotonic() + 120
    while True:
        try:
            httpx.get(f"http://127.0.0.1:{port}/sign-in", timeout=30)
        except httpx.TransportError:
            assert time.monotonic() < until
            time.sleep(0.1)
        else:
            return


def _schemas(postgres: Postgres, database: PgDatabase) -> set[str]:
    with postgres.connect(database.name) as connection:
        return {name for (name,) in connection.execute("select nspname from pg_namespace where nspname !~ '^pg_'")}


def test_papers_are_kept_found_and_rebuilt_on_postgresql(
    county: WarmCommands, papers: Callable[[], Path], postgres: Postgres, database: PgDatabase
) -> None:
    assert county.json("ingest", papers(), "--accept", "--wait")["state"] == "done"
    assert county.json("search", "收入证明")["total"] == 1
    county.run("fixity", "audit", "--all")
    county.run("ledger", "seal")
    county.run("ledger", "verify")
    port = free_ports(1)[0]
    with_server = county.start("serve", "--port", port, "--no-worker")
    try:
        _await_answer(port)
        refused = county.run("rebuild", "--from", "b", expect=69)
        assert "lantai serve" in refused.stderr + refused.stdout or "rebuild.in_use" in refused.stdout
    finally:
        with_server.terminate()
        with_server.wait(timeout=30)
    told = county.json("rebuild", "--from", "b")
    assert told["kept"].startswith("lantai_before_rebuild_")
    assert _schemas(postgres, database) >= {"public", "dbos", told["kept"]}
    assert not any(name.startswith("lantai_rebuilding_") for name in _schemas(postgres, database))
    status = county.json("status")
    assert status["records"] == 4
    assert next(one for one in status["parts"] if one["name"] == "database")["zh"] == "数据库正常。"
    county.run("ledger", "verify")
    county.run("index", "rebuild")
    assert county.json("search", "*")["total"] == 4  # their text is read again by a worker


def test_a_database_that_goes_away_and_comes_back_is_waited_for(
    tmp_path: Path, own_postgres: Postgres, papers: Callable[[], Path]
) -> None:
    database = own_postgres.create_database()
    county = Commands(
        tmp_path / "home",
        {"LANTAI_DATABASE_URL": database.program_url, "LANTAI_DATABASE_OWNER_URL": database.owner_url},
    )
    county.run("init", "--yes")
    own_postgres.kill()
    began = time.monotonic()
    told = county.run("status", expect=69)
    assert time.monotonic() - began < 60
    assert "连不上数据库服务器" in told.stderr
    assert "test-program" not in told.stderr + told.stdout
    own_postgres.start()
    assert county.json("ingest", papers(), "--accept", "--wait")["state"] == "done"
