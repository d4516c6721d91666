"""The file of a SQLite database that is moved, comes back or is replaced while a program has it open."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import OperationalError

from repository.db import open_engine, open_sessions, unavailable

COUNT, ADD = text("SELECT count(*) FROM note"), text("INSERT INTO note VALUES ('one')")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the database is."""
    return tmp_path / "lantai.db"


@pytest.fixture
def engine(path: Path) -> Engine:
    """A database of one table, with one connection kept open."""
    made = open_engine(f"sqlite:///{path}")
    with made.begin() as connection:
        connection.execute(text("CREATE TABLE note (words TEXT)"))
    return made


def test_a_file_that_was_taken_away_is_not_made_anew(engine: Engine, path: Path) -> None:
    away = path.rename(path.with_suffix(".away"))
    for _ in range(3):
        with pytest.raises(OperationalError) as caught, engine.begin() as connection:
            connection.execute(ADD)
        assert unavailable(caught.value).code == "database.file_gone"
        assert not path.exists()
    away.rename(path)
    with engine.begin() as connection:
        connection.execute(ADD)
        assert connection.scalar(COUNT) == 1


def test_what_replaced_it_is_used_at_once(engine: Engine, path: Path) -> None:
    copy = path.with_suffix(".copy")
    engine.dispose()  # SQLite writes its log into the file
    shutil.copy(path, copy)
    with open_sessions(engine).begin() as session:
        session.execute(ADD)
    for leftover in ("-wal", "-shm"):
        path.with_name(path.name + leftover).unlink(missing_ok=True)
    copy.replace(path)
    with open_sessions(engine).begin() as session:
        assert session.scalar(COUNT) == 0, "what was restored, not what is open"
        session.execute(ADD)
    other = open_engine(f"sqlite:///{path}")
    with other.connect() as connection:
        assert connection.scalar(COUNT) == 1, "and it was written there"
    other.dispose()


def test_a_database_in_memory_has_no_file() -> None:
    made = open_engine("sqlite:///:memory:")
    with made.begin() as connection:
        assert connection.scalar(text("SELECT 1")) == 1
