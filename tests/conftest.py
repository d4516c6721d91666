"""Fixtures that every test may use: a fresh database, a clock that stands, real servers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

import pytest
from sqlalchemy import Engine

from repository.clock import FixedClock
from repository.db import Sessions, open_engine, open_sessions
from repository.tables import Base
from tests.services.base import NotHere, Server
from tests.services.clamd import Clamd
from tests.services.elastic import Elastic
from tests.services.postgres import Postgres
from tests.services.seaweed import Seaweed

S = TypeVar("S", bound=Server)


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    """A fresh SQLite database with all tables."""
    made = open_engine(f"sqlite:///{tmp_path / 'lantai.db'}", busy_seconds=5)
    Base.metadata.create_all(made)
    yield made
    made.dispose()


@pytest.fixture
def sessions(engine: Engine) -> Sessions:
    """Write sessions on the fresh database."""
    return open_sessions(engine)


@pytest.fixture
def clock() -> FixedClock:
    """A clock that stands at 2026-01-05 09:00 in Shanghai."""
    return FixedClock()


def _served(server: S, words: str) -> Iterator[S]:
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
    yield from _served(Postgres(), "no PostgreSQL here")


@pytest.fixture(scope="session")
def seaweed() -> Iterator[Seaweed]:
    """A real SeaweedFS that all tests share, each in buckets of its own (``make_bucket``)."""
    yield from _served(Seaweed(), "no SeaweedFS here")


@pytest.fixture(scope="session")
def elastic() -> Iterator[Elastic]:
    """A real Elasticsearch that all tests share, each with a prefix of its own."""
    yield from _served(Elastic(), "no Elasticsearch here")


@pytest.fixture(scope="session")
def clamd() -> Iterator[Clamd]:
    """A real clamd with one signature that all tests share."""
    yield from _served(Clamd(), "no clamd here")


@pytest.fixture
def own_postgres() -> Iterator[Postgres]:
    """A PostgreSQL to be killed."""
    yield from _served(Postgres(), "no PostgreSQL here")


@pytest.fixture
def own_seaweed() -> Iterator[Seaweed]:
    """A SeaweedFS to be killed."""
    yield from _served(Seaweed(), "no SeaweedFS here")


@pytest.fixture
def own_elastic() -> Iterator[Elastic]:
    """An Elasticsearch to be killed."""
    yield from _served(Elastic(), "no Elasticsearch here")


@pytest.fixture
def own_clamd() -> Iterator[Clamd]:
    """A clamd to be killed."""
    yield from _served(Clamd(), "no clamd here")
