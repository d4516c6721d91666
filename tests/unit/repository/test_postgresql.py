"""PostgreSQL: what the program's role may not do, how text is compared, and what is said when it is out of reach."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest
from sqlalchemy import Engine, select, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError

from metadata.errors import Conflict, Unavailable
from repository.backup.loading import refuse_when_not_empty
from repository.clock import FixedClock
from repository.db import (
    DatabasePool,
    Sessions,
    asking_sessions,
    open_engine,
    open_sessions,
    reading_sessions,
    unavailable,
)
from repository.fixity.incidents import _next_number
from repository.ledger.entry import ACTS, ActorRef, append, entry_row
from repository.objects import confirmed
from repository.records import count
from repository.replication import retire_replica
from repository.rights import ledger_protected, settle
from repository.storage.local import LocalStore
from repository.tables import Counter, LedgerEntry, Organ, Replica
from tests.archives import bureau_archive
from tests.services.postgres import PgDatabase, Postgres


@pytest.fixture
def database(postgres: Postgres, postgres_template: str) -> Iterator[PgDatabase]:
    """A database with all tables, whose own language is Chinese."""
    made = postgres.create_database(template=postgres_template)
    yield made
    postgres.drop_database(made.name)


@pytest.fixture
def program(database: PgDatabase) -> Iterator[Engine]:
    """The program's engine on it."""
    engine = open_engine(database.program_url, busy_seconds=0.5)
    yield engine
    engine.dispose()


@pytest.fixture
def owner(database: PgDatabase) -> Iterator[Engine]:
    """The owner's engine on it."""
    engine = open_engine(database.owner_url, patient=True)
    yield engine
    engine.dispose()


def _enter(engine: Engine) -> None:
    with open_sessions(engine).begin() as session:
        row = entry_row(stream=ACTS, at=FixedClock().now(), act="site.made", actor=ActorRef("console:t", "console"))
        append(session, [row])


def test_an_error_repeats_no_row(owner: Engine) -> None:
    """A row that breaks a rule is whole in the detail that the server adds, names and all; it would get into the log."""
    title = {"title": "张三的申请"}
    with owner.begin() as connection:
        connection.execute(text("CREATE TABLE paper (title text NOT NULL, pages int NOT NULL, UNIQUE (title))"))
        connection.execute(text("INSERT INTO paper VALUES (:title, 1)"), title)
    for statement in (
        "INSERT INTO paper VALUES (:title, 2)",
        "INSERT INTO paper (title) VALUES (:title || ' (2)')",
    ):
        with pytest.raises(IntegrityError) as error, owner.begin() as connection:
            connection.execute(text(statement), title)
        told = "".join(traceback.format_exception(error.value))
        assert "张三" not in told
        assert "constraint" in told


_FORBIDDEN = (
    "UPDATE ledger_entry SET act = 'x'",
    "DELETE FROM ledger_entry",
    "TRUNCATE ledger_entry",
    "UPDATE ledger_block SET body = ''",
    "DELETE FROM ledger_block",
    "TRUNCATE ledger_block",
    "ALTER TABLE ledger_entry ADD COLUMN x int",
    "ALTER TABLE ledger_entry DISABLE TRIGGER ALL",
    "DROP TABLE ledger_entry",
    "CREATE TABLE x (y int)",
    "CREATE SCHEMA x",
    "DROP TABLE outbox",
    "UPDATE alembic_version SET version_num = 'x'",
    "SET ROLE lantai_owner",
)


@pytest.mark.parametrize("statement", _FORBIDDEN)
def test_the_program_can_only_add_to_the_ledger(program: Engine, statement: str) -> None:
    _enter(program)
    with pytest.raises(DBAPIError) as refused, program.begin() as connection:
        connection.exec_driver_sql(statement)
    assert getattr(refused.value.orig, "sqlstate", None) in {"42501", "0LP01"}
    with reading_sessions(program)() as session:
        assert len(session.scalars(select(LedgerEntry)).all()) == 1


def test_whether_the_ledger_is_protected_is_told(program: Engine, owner: Engine) -> None:
    with reading_sessions(program)() as session:
        assert ledger_protected(session)
    with reading_sessions(owner)() as session:
        assert not ledger_protected(session)
    with owner.begin() as connection:
        connection.exec_driver_sql("GRANT UPDATE ON ledger_entry TO lantai_program")
    with reading_sessions(program)() as session:
        assert not ledger_protected(session)
    settle(owner, "lantai_program")  # what an upgrade does
    with reading_sessions(program)() as session:
        assert ledger_protected(session)


def test_text_is_compared_by_its_bytes_in_a_database_of_another_language(owner: Engine) -> None:
    columns = text(
        "SELECT count(*) FROM information_schema.columns WHERE table_schema = 'public'"
        " AND table_name <> 'alembic_version' AND data_type IN ('character varying', 'text')"
        " AND collation_name IS DISTINCT FROM 'C'"
    )
    names = ["b", "A", "a", "B", "張", "张", "é", "z", "_", "10", "9"]
    with owner.begin() as connection:
        assert connection.scalar(columns) == 0
        assert connection.scalar(text("SELECT 'a' < 'B'")), "the database's own language ignores case first"
        connection.exec_driver_sql('ALTER TABLE counter ALTER COLUMN name TYPE varchar(40) COLLATE "zh-x-icu"')
    settle(owner, None)
    with owner.begin() as connection:
        connection.execute(Counter.__table__.insert(), [{"name": one, "value": 1} for one in names])
        assert connection.scalar(columns) == 0
        found = list(connection.scalars(select(Counter.name).order_by(Counter.name)))
    assert found == sorted(names, key=str.encode)


def test_readers_see_one_snapshot_and_cannot_write(program: Engine) -> None:
    with reading_sessions(program)() as session:
        assert session.scalars(select(LedgerEntry)).all() == []
        _enter(program)
        assert session.scalars(select(LedgerEntry)).all() == []
        with pytest.raises(OperationalError) as refused:
            session.execute(text("DELETE FROM outbox"))
    assert unavailable(refused.value).code == "database.read_only"


def _told(url: str, **options: object) -> Unavailable:
    engine = open_engine(url, **options)  # type: ignore[arg-type]  # of the test's own choice
    try:
        with pytest.raises(OperationalError) as refused, engine.connect():
            pass
    finally:
        engine.dispose()
    return unavailable(refused.value)


def test_every_way_of_being_out_of_reach_has_its_own_words(postgres: Postgres, database: PgDatabase) -> None:
    url = make_url(database.program_url)
    with postgres.connect("postgres") as connection:
        connection.execute("create role lantai_crowd login password 'secret-crowd' connection limit 0")
    found = {
        "password": _told(url.set(password="secret-wrong").render_as_string(hide_password=False)),
        "missing": _told(url.set(database="nowhere").render_as_string(hide_password=False)),
        "down": _told(url.set(port=1).render_as_string(hide_password=False)),
        "unknown_host": _told(url.set(host="no.such.host.invalid").render_as_string(hide_password=False)),
        "too_many_connections": _told(
            url.set(username="lantai_crowd", password="secret-crowd").render_as_string(hide_password=False)
        ),
    }
    assert {name: one.code for name, one in found.items()} == {name: f"database.{name}" for name in found}
    assert not any("secret" in one.zh + one.en + str(one.params) for one in found.values())
    with postgres.connect("postgres") as connection:
        connection.execute("drop role lantai_crowd")


def test_waits_end_in_seconds_with_their_own_words(database: PgDatabase, program: Engine) -> None:
    slow = open_engine(database.program_url, pool=DatabasePool(statement_seconds=1, size=1, overflow=0, seconds=0.3))
    with pytest.raises(OperationalError) as refused, slow.begin() as connection:
        connection.exec_driver_sql("SELECT pg_sleep(30)")
    assert unavailable(refused.value).code == "database.too_slow"
    with slow.connect(), pytest.raises(OperationalError) as refused, slow.connect():
        pass
    assert unavailable(refused.value).code == "database.too_many_connections"
    slow.dispose()
    with program.begin() as one, program.connect() as other:
        one.exec_driver_sql("LOCK TABLE outbox")
        with pytest.raises(OperationalError) as refused:
            other.exec_driver_sql("DELETE FROM outbox")
    assert unavailable(refused.value).code == "database.locked"


def test_an_error_repeats_no_values(program: Engine) -> None:
    with pytest.raises(DBAPIError) as refused, program.begin() as connection:
        connection.execute(Counter.__table__.insert(), {"name": "梁慧" * 40, "value": 1})
    assert "梁慧" not in str(refused.value)


def test_a_dead_connection_is_replaced_unseen(postgres: Postgres, database: PgDatabase, program: Engine) -> None:
    _enter(program)
    with postgres.connect("postgres") as connection:
        connection.execute("select pg_terminate_backend(pid) from pg_stat_activity where datname = %s", [database.name])
    time.sleep(0.3)  # what was used a moment ago is not asked whether it answers
    _enter(program)


@pytest.mark.parametrize("opened", [open_sessions, reading_sessions, asking_sessions])
def test_one_act_meets_a_restart_and_no_more(
    postgres: Postgres, database: PgDatabase, program: Engine, opened: Callable[[Engine], Sessions]
) -> None:
    def ask() -> int | None:
        with opened(program)() as session:
            return session.scalar(text("SELECT 1"))

    with postgres.connect("postgres") as connection:
        assert ask() == 1
        connection.execute("select pg_terminate_backend(pid) from pg_stat_activity where datname = %s", [database.name])
        with suppress(OperationalError):  # it was used a moment ago, or is not any more
            ask()
        assert ask() == 1


def test_those_who_count_at_once_lose_nothing_and_share_no_number(database: PgDatabase) -> None:
    patient = open_engine(database.program_url)
    sessions = open_sessions(patient)

    def one(number: int) -> int:
        names = ["files", "records"] if number % 2 else ["records", "files"]
        with sessions.begin() as session:
            count(session, dict.fromkeys(names, 2))
            return _next_number(session)

    with ThreadPoolExecutor(6) as pool:
        numbers = list(pool.map(one, range(24)))
    assert sorted(numbers) == list(range(1, 25))
    with sessions() as session:
        assert {row.name: row.value for row in session.scalars(select(Counter))} == {
            "files": 48,
            "records": 48,
            "incident.seq": 24,
        }
    patient.dispose()


def test_two_replicas_never_leave_at_once(program: Engine, tmp_path: Path) -> None:
    archive, actor = bureau_archive(tmp_path, program, FixedClock()), ActorRef("console:t", "console")
    with archive.sessions.begin() as session:
        session.add(Replica(name="c", kind="local", location="", added_at=archive.clock.now()))
    archive.replicas.admit(LocalStore("c", tmp_path / "replicas" / "c"), required=True)
    with archive.sessions.begin() as session:
        assert retire_replica(session, archive=archive, actor=actor, name="a", confirmations=0)
        with pytest.raises(OperationalError) as waits, archive.sessions.begin() as another:
            retire_replica(another, archive=archive, actor=actor, name="b", confirmations=0)
    assert unavailable(waits.value).code == "database.locked"
    with pytest.raises(Conflict) as error, archive.sessions.begin() as session:
        retire_replica(session, archive=archive, actor=actor, name="b", confirmations=0)
    assert error.value.code == "replica.too_few"
    with archive.sessions.begin() as session:
        confirmed(session, archive.replicas, {"k": ["b", "c"]})
        with pytest.raises(Unavailable):
            confirmed(session, archive.replicas, {"k": ["a", "c"]})


def test_nothing_is_restored_beside_jobs_of_another_time(owner: Engine) -> None:
    with owner.begin() as connection:
        refuse_when_not_empty(connection)
        connection.execute(text("CREATE SCHEMA IF NOT EXISTS dbos"))
        connection.execute(text("CREATE TABLE IF NOT EXISTS dbos.workflow_status (workflow_uuid text PRIMARY KEY)"))
        refuse_when_not_empty(connection)
        connection.execute(text("INSERT INTO dbos.workflow_status (workflow_uuid) VALUES ('ingest-1')"))
    with owner.begin() as connection, pytest.raises(Conflict) as error:
        refuse_when_not_empty(connection)
    assert error.value.code == "restore.not_empty"


def test_what_a_connection_prepared_outlives_the_sessions_that_only_read(owner: Engine) -> None:
    reading = reading_sessions(owner)
    for _ in range(8):  # the driver prepares what it was asked five times
        with reading() as session:
            session.execute(select(Organ.id).where(Organ.code == "nobody"))
    with reading() as session:
        prepared = session.scalar(text("select count(*) from pg_prepared_statements where statement like '%organ%'"))
        assert prepared == 1
