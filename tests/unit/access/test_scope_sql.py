"""What PostgreSQL is asked, so that it can reckon with it: words of a column as a whole, no part of it worked out."""

from __future__ import annotations

import pytest
from sqlalchemy import select
from sqlalchemy.dialects.postgresql.psycopg import dialect as postgresql
from sqlalchemy.dialects.sqlite import dialect as sqlite

from access.scope import within_divisions
from repository.db import open_engine
from repository.tables import CaseFile, Organ, Record
from tests.services.postgres import Postgres


@pytest.mark.parametrize(
    ("column", "prefix", "asked"),
    [
        (Record.division_code, "990101", "record.division_code LIKE"),
        (Record.division_code, "990101001", "record.township ="),
        (CaseFile.division_code, "990101001001", "case_file.division_code ="),
        (Organ.division_prefix, "990101001", "organ.division_prefix LIKE"),
    ],
)
def test_each_database_is_asked_in_its_own_words(column: object, prefix: str, asked: str) -> None:
    wanted = select(1).where(within_divisions(column, prefix))
    assert asked in str(wanted.compile(dialect=postgresql()))
    assert "substr(" in str(wanted.compile(dialect=sqlite()))


def test_nothing_is_within_no_division() -> None:
    assert "false" in str(select(1).where(within_divisions(Record.division_code, "")).compile(dialect=postgresql()))


@pytest.mark.parametrize("typed", ["9901%", "99_101", "' or 1=1 --", "９９０１０１"])
def test_what_is_no_code_is_compared_as_it_stands(typed: str) -> None:
    asked = str(select(1).where(within_divisions(Record.division_code, typed)).compile(dialect=postgresql()))
    assert "LIKE" not in asked
    assert typed not in asked


def test_the_rows_found_are_those_that_begin_so(postgres: Postgres) -> None:
    database = postgres.create_database()
    engine = open_engine(database.owner_url)
    with engine.begin() as connection:
        connection.exec_driver_sql("create table organ (division_prefix varchar(12))")
        connection.exec_driver_sql("insert into organ values ('990101'), ('990101002'), ('990102'), (''), ('9901')")
        found = connection.scalars(
            select(Organ.division_prefix)
            .where(within_divisions(Organ.division_prefix, "990101"))
            .order_by(Organ.division_prefix)
        )
        assert list(found) == ["990101", "990101002"]
    engine.dispose()
