"""Fixtures that every test may use: a fresh database, a clock that stands."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from repository.clock import FixedClock
from repository.db import Sessions, open_engine, open_sessions
from repository.tables import Base


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
