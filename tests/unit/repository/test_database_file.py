"""The file of a SQLite database that is moved, comes back or is replaced while a program has it open."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import OperationalError

from repository.db import open_engine, unavailable

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


def _refused(engine: Engine) -> str:
    with pytest.raises(OperationalError) as caught, engine.begin() as connection:
        connection.execute(ADD)
    return unavailable(caught.value).code


def test_a_file_that_was_taken_away_is_not_made_anew(engine: Engine, path: Path) -> None:
    away = path.rename(path.with_suffix(".away"))
    for _ in range(3):
        assert _refused(engine) == "database.file_gone"
        assert not path.exists()
    away.rename(path)
    with engine.begin() as connection:
        connection.execute(ADD)
        assert connection.scalar(COUNT) == 1


def test_what_was_put_in_its_place_is_not_touched(engine: Engine, path: Path) -> None:
    copy = Path(shutil.copy(path, path.with_suffix(".copy")))
    away = path.rename(path.with_suffix(".away"))
    copy.rename(path)
    before = path.read_bytes()
    for _ in range(3):
        assert _refused(engine) == "database.file_replaced"
    assert path.read_bytes() == before
    path.unlink()
    away.rename(path)
    with engine.begin() as connection:
        connection.execute(ADD)
        assert connection.scalar(COUNT) == 1


def test_an_engine_that_was_disposed_of_begins_anew(engine: Engine, path: Path) -> None:
    engine.dispose()
    path.unlink()
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE note (words TEXT)"))
        assert connection.scalar(COUNT) == 0


def test_a_program_that_makes_none_leaves_nothing_behind(tmp_path: Path) -> None:
    path = tmp_path / "unmounted" / "lantai.db"
    engine = open_engine(f"sqlite:///{path}", create=False)
    assert _refused(engine) == "database.file_gone"
    assert not path.parent.exists()


def test_a_file_that_may_not_be_opened_is_told_apart(tmp_path: Path) -> None:
    path = tmp_path / "lantai.db"
    path.mkdir()
    assert _refused(open_engine(f"sqlite:///{path}")) == "database.file_closed"


def test_databases_without_a_file_have_none_to_miss() -> None:
    for url in ("sqlite:///:memory:", "sqlite:///file::memory:?cache=shared&uri=true"):
        made = open_engine(url)
        for _ in range(2):
            with made.begin() as connection:
                assert connection.scalar(text("SELECT 1")) == 1
