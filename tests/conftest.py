"""Fixtures that every test may use: a fresh database, a clock that stands, real servers."""

from __future__ import annotations

import gc
import os
import shutil
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import TypeVar

import pytest
from sqlalchemy import Engine

from lantai.jobs import migrate
from repository.clock import FixedClock
from repository.db import Sessions, open_engine, open_sessions
from repository.migrations import upgrade
from repository.rights import settle
from repository.tables import Base
from tests.services.base import NotHere, Server
from tests.services.clamd import Clamd
from tests.services.counting import note_servers
from tests.services.elastic import Elastic
from tests.services.postgres import PROGRAM, Postgres
from tests.services.seaweed import Seaweed

S = TypeVar("S", bound=Server)

for _size in ("COLUMNS", "LINES"):  # of nobody's terminal: readline leaves them to the processes that a test run starts
    os.environ.pop(_size, None)


gc.set_threshold(50_000)  # as the program itself sets it


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A test marked ``both_databases`` runs on SQLite and on PostgreSQL, under the role of the program."""
    if metafunc.definition.get_closest_marker("both_databases") and "engine" in metafunc.fixturenames:
        metafunc.parametrize("engine", ["sqlite", "postgresql"], indirect=True)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Each report says which servers its test asked for: the closing lines of ``make test`` count them."""
    report = yield
    note_servers(item, report)
    return report


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database file with all tables and nothing in them: to copy it takes a fiftieth of the time of making one."""
    path = tmp_path_factory.mktemp("template") / "lantai.db"
    made = open_engine(f"sqlite:///{path}")
    Base.metadata.create_all(made)
    made.dispose()
    return path


@pytest.fixture
def engine(request: pytest.FixtureRequest, tmp_path: Path, sqlite_template: Path) -> Iterator[Engine]:
    """A fresh database with all tables: SQLite, or what the test's mark says."""
    if getattr(request, "param", "sqlite") == "postgresql":
        yield from _on_postgresql(request)
        return
    made = open_engine(f"sqlite:///{shutil.copy(sqlite_template, tmp_path)}", busy_seconds=5)
    yield made
    made.dispose()


def _on_postgresql(request: pytest.FixtureRequest) -> Iterator[Engine]:
    server: Postgres = request.getfixturevalue("postgres")
    database = server.create_database(template=request.getfixturevalue("postgres_template"))
    made = open_engine(database.program_url, busy_seconds=5)
    yield made
    made.dispose()
    server.drop_database(database.name)


@pytest.fixture(scope="session")
def postgres_template(postgres: Postgres) -> str:
    """The name of a database with all tables and rights, to be copied; its language is not the program's."""
    database = postgres.create_database(locale="C.UTF-8", icu="zh-CN")
    owner = open_engine(database.owner_url, patient=True)
    upgrade(owner)
    migrate(database.owner_url)
    settle(owner, PROGRAM)
    owner.dispose()
    return database.name


@pytest.fixture
def sessions(engine: Engine) -> Sessions:
    """Write sessions on the fresh database."""
    return open_sessions(engine)


@pytest.fixture
def clock() -> FixedClock:
    """A clock that stands at 2026-01-05 09:00 in Shanghai."""
    return FixedClock()


def served(server: S, words: str) -> Iterator[S]:
    """The server, started, for the length of a fixture; the test is left out where this machine cannot have it."""
    try:
        server.start()
    except NotHere as error:
        server.close()
        pytest.skip(f"{words}: {error}")
    try:
        yield server
    finally:
        server.close()


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A real PostgreSQL that all tests share, each in databases of its own (``create_database``)."""
    yield from served(Postgres(), "no PostgreSQL here")


@pytest.fixture(scope="session")
def seaweed() -> Iterator[Seaweed]:
    """A real SeaweedFS that all tests share, each in buckets of its own (``make_bucket``)."""
    yield from served(Seaweed(), "no SeaweedFS here")


@pytest.fixture(scope="session")
def elastic() -> Iterator[Elastic]:
    """A real Elasticsearch that all tests share, each with a prefix of its own."""
    yield from served(Elastic(), "no Elasticsearch here")


@pytest.fixture(scope="session")
def clamd() -> Iterator[Clamd]:
    """A real clamd with one signature that all tests share."""
    yield from served(Clamd(), "no clamd here")


@pytest.fixture
def own_postgres() -> Iterator[Postgres]:
    """A PostgreSQL to be killed."""
    yield from served(Postgres(), "no PostgreSQL here")


@pytest.fixture
def own_seaweed() -> Iterator[Seaweed]:
    """A SeaweedFS to be killed."""
    yield from served(Seaweed(), "no SeaweedFS here")


@pytest.fixture
def own_elastic() -> Iterator[Elastic]:
    """An Elasticsearch to be killed."""
    yield from served(Elastic(), "no Elasticsearch here")


@pytest.fixture
def own_clamd() -> Iterator[Clamd]:
    """A clamd to be killed."""
    yield from served(Clamd(), "no clamd here")
