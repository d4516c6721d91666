"""The database: SQLite in WAL mode by default, PostgreSQL in production.

Every write transaction on SQLite begins IMMEDIATE, so that two writers queue instead of failing half-way, and waits up
to ``busy_timeout`` for another process. On PostgreSQL writers run side by side (READ COMMITTED) and take locks on the
rows they decide by; readers see one snapshot on both. Functions of the program take a session and never commit; the
caller owns the transaction (``with sessions.begin() as session``).
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import URL, Engine, QueuePool, create_engine, event
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import ExceptionContext, make_url
from sqlalchemy.exc import DBAPIError, DisconnectionError, InvalidatePoolError, OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import Session, sessionmaker
from sqlalchemy.pool import ConnectionPoolEntry

from repository.database_faults import is_collision, is_locked, unavailable

__all__ = [
    "DatabasePool",
    "Sessions",
    "asking_sessions",
    "by_bytes",
    "insert_or",
    "is_collision",
    "is_locked",
    "once",
    "open_engine",
    "open_sessions",
    "reading_sessions",
    "unavailable",
]

Sessions = sessionmaker[Session]
Found = TypeVar("Found")
_CONNECT_SECONDS = 5
_NO_FILE = "unable to open database file"
_TRUSTED_SECONDS = 0.1
"""So long a connection that was given back is used again without asking whether it still answers: a page takes several."""
_IDLE_SECONDS = 600
"""A transaction that asks nothing for so long is ended: a process that stopped must not hold its locks for ever."""
_KEEPALIVE = {
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 15_000,
}
"""A server that vanished without a word is noticed after some fifteen seconds, not after hours."""
_OUT = {"25006", "25P03", "42501"}
"""Codes of PostgreSQL that mean "cannot be used now", although the driver does not file them under outages."""


class DatabasePool(BaseModel):
    """Connections of one process to PostgreSQL; SQLite has no use for them."""

    model_config = ConfigDict(extra="forbid")

    size: int = Field(5, ge=1, le=200, description="connections that one process keeps open")
    overflow: int = Field(10, ge=0, le=200, description="connections opened beyond these while there is much to do")
    seconds: float = Field(10.0, gt=0, le=300, description="how long to wait for a connection to become free")
    statement_seconds: float = Field(
        60.0, ge=1, le=3600, description="longest time for one statement; upgrades, rebuilds and restores have no limit"
    )


class _Pool(QueuePool):
    """A pool whose exhaustion is an outage like any other, for all who wait for the database to come back."""

    def _do_get(self) -> Any:
        try:
            return super()._do_get()
        except PoolTimeout as error:
            raise OperationalError("connect", None, error) from error


def open_engine(
    url: str,
    *,
    busy_seconds: float = 30.0,
    pool: DatabasePool | None = None,
    application: str = "lantai",
    patient: bool = False,
    create: bool = True,
) -> Engine:
    """An engine for ``url`` with the settings that Lantai relies on; a missing SQLite folder is made.

    ``busy_seconds`` is the wait for a lock. ``patient`` lets a statement of PostgreSQL take as long as it wants (schema
    changes, rebuilds, restores). ``application`` is the name under which the server lists the connections. Without ``create``
    a SQLite file that is not there is an outage, and none is made.
    """
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        return _open_sqlite(parsed, busy_seconds, create=create)
    return _open_postgresql(parsed, busy_seconds, pool or DatabasePool(), application, patient=patient)


def _open_sqlite(url: URL, busy_seconds: float, *, create: bool) -> Engine:
    if create and url.database and url.database != ":memory:":
        Path(url.database).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(
        url,
        hide_parameters=True,  # names and numbers of people must not stand in an error
        connect_args={"timeout": busy_seconds, "check_same_thread": False},
    )
    if url.database and url.database != ":memory:" and "uri" not in url.query:
        _hold_on_to_the_file(engine, Path(url.database), create=create)

    @event.listens_for(engine, "connect")
    def _configure(connection: sqlite3.Connection, _record: object) -> None:
        connection.isolation_level = None  # we say BEGIN ourselves
        cursor = connection.cursor()
        cursor.execute("PRAGMA journal_mode=WAL")
        cursor.execute("PRAGMA synchronous=FULL")
        cursor.execute("PRAGMA foreign_keys=ON")
        cursor.close()

    @event.listens_for(engine, "begin")
    def _begin(connection: Any) -> None:
        read_only = connection.get_execution_options().get("read_only", False)
        connection.exec_driver_sql("BEGIN" if read_only else "BEGIN IMMEDIATE")

    return engine


def _hold_on_to_the_file(engine: Engine, path: Path, *, create: bool) -> None:
    """The file at ``path`` that was opened first is the database until the engine is disposed of, and no other is.

    SQLite makes an empty database where there is none (here only with ``create``), and a connection goes on with the file
    that it opened: after that was moved, deleted or replaced (a restore), what is written through it would be lost. What
    lies in its place was looked at by nobody (its holding, its schema, whether it may be written): that is done when a
    process starts.
    """
    path, first = path.absolute(), list[tuple[int, int]]()

    def now() -> tuple[int, int] | None:
        try:
            found = path.stat()
        except OSError:
            return None
        return found.st_dev, found.st_ino

    @event.listens_for(engine, "do_connect")
    def _refuse_another(*_: object) -> None:
        found = now()
        if found is None and (first or not create):
            raise sqlite3.OperationalError(f"{_NO_FILE}: there is none in its place")
        if first and found != first[0]:
            raise sqlite3.OperationalError(f"{_NO_FILE}: another one lies in its place")

    @event.listens_for(engine, "connect")
    def _remember(*_: object) -> None:
        found = now()
        if found is None or (first and found != first[0]):
            raise sqlite3.OperationalError(f"{_NO_FILE}: it was exchanged while it was opened")
        first[:] = [found]

    @event.listens_for(engine, "checkout")
    def _still_there(*_: object) -> None:
        if not first or now() != first[0]:
            raise DisconnectionError  # the pool asks for another connection, which is refused

    @event.listens_for(engine, "engine_disposed")
    def _forget(*_: object) -> None:
        first.clear()


def _open_postgresql(url: URL, busy_seconds: float, pool: DatabasePool, application: str, *, patient: bool) -> Engine:
    settings = {
        "timezone": "UTC",  # years and months of moments are then the same on every database
        "statement_timeout": 0 if patient else round(pool.statement_seconds * 1000),
        "lock_timeout": round(busy_seconds * 1000),
        "idle_in_transaction_session_timeout": _IDLE_SECONDS * 1000,
    }
    engine = create_engine(
        url.set(drivername="postgresql+psycopg"),
        poolclass=_Pool,
        pool_size=pool.size,
        max_overflow=pool.overflow,
        pool_timeout=pool.seconds,
        pool_use_lifo=True,  # the connection that was used last has its statements prepared
        hide_parameters=True,  # as above; of what the server adds see ``_without_values``
        connect_args={"connect_timeout": _CONNECT_SECONDS, "application_name": application[:63], **_KEEPALIVE},
    )

    _ask_whether_it_answers(engine)

    @event.listens_for(engine, "connect")
    def _configure(connection: Any, _record: object) -> None:
        with connection.cursor() as cursor:  # not as start-up options: poolers between refuse those
            cursor.execute(
                "SELECT " + ", ".join(f"set_config('{name}', '{at}', false)" for name, at in settings.items())
            )
        connection.commit()

    @event.listens_for(engine, "handle_error")
    def _outage(context: ExceptionContext) -> None:
        error = context.sqlalchemy_exception
        _without_values(context)
        if isinstance(error, DBAPIError) and error.orig and getattr(error.orig, "sqlstate", None) in _OUT:
            raise OperationalError(context.statement, None, error.orig, hide_parameters=True) from error.orig

    return engine


def _ask_whether_it_answers(engine: Engine) -> None:
    """Ask a connection that has lain in the pool for a while before it is used: the server may have been started anew."""

    @event.listens_for(engine, "checkin")
    def _remember(_connection: object, record: ConnectionPoolEntry) -> None:
        record.info["given_back"] = time.monotonic()

    @event.listens_for(engine, "checkout")
    def _ask(connection: Any, record: ConnectionPoolEntry, _proxy: object) -> None:
        given_back = record.info.get("given_back")
        if given_back is None or time.monotonic() - given_back < _TRUSTED_SECONDS:
            return
        try:
            engine.dialect.do_ping(connection)
        except engine.dialect.loaded_dbapi.Error as error:
            raise InvalidatePoolError from error


def _without_values(context: ExceptionContext) -> None:
    """Leave of an error of PostgreSQL its first sentence: the detail that follows repeats whole rows."""
    first = getattr(getattr(context.original_exception, "diag", None), "message_primary", None)
    if not first:
        return
    context.original_exception.args = (first,)
    if isinstance(context.sqlalchemy_exception, DBAPIError):
        kind = type(context.original_exception)
        context.sqlalchemy_exception.args = (f"({kind.__module__}.{kind.__qualname__}) {first}",)


def open_sessions(engine: Engine) -> Sessions:
    """Sessions for writing: ``with sessions.begin() as session``. Objects stay readable after commit."""
    return sessionmaker(engine, expire_on_commit=False)


class _Reading(Session):
    """A session on PostgreSQL that ends by committing, though nothing is to commit: of a rolled back connection the driver forgets all
    that it had prepared, and the server would plan every statement of every page anew."""

    def close(self) -> None:
        """Give the connection back."""
        if self.in_transaction():
            self.expunge_all()  # nothing is to be flushed
            try:
                self.commit()
            except SQLAlchemyError:
                with suppress(SQLAlchemyError):  # gone with the server: the pool throws the connection away
                    self.rollback()
        super().close()


def reading_sessions(engine: Engine) -> Sessions:
    """Sessions for reading only, each of one snapshot: on SQLite they take no write lock, so pages never wait for a
    batch to commit; PostgreSQL refuses to write in them."""
    if engine.dialect.name != "postgresql":
        return sessionmaker(engine.execution_options(read_only=True), expire_on_commit=False)
    snapshot = engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
    return sessionmaker(snapshot, class_=_Reading, expire_on_commit=False)


def asking_sessions(engine: Engine) -> Sessions:
    """Sessions for one question: on PostgreSQL without a transaction around it, which would be two more ways to the server."""
    if engine.dialect.name != "postgresql":
        return reading_sessions(engine)
    return sessionmaker(engine.execution_options(isolation_level="AUTOCOMMIT"), expire_on_commit=False)


def once(session: Session, name: str, read: Callable[[], Found]) -> Found:
    """What ``read`` gives, read once in the life of ``session``; for what a page asks for in several places."""
    if name not in session.info:
        session.info[name] = read()
    found: Found = session.info[name]
    return found


def by_bytes(session: Session, column: Any) -> Any:
    """``column`` compared and sorted by its bytes on every database; PostgreSQL would use the site's language."""
    return column.collate("C") if session.get_bind().dialect.name == "postgresql" else column


def insert_or(session: Session, table: type[Any]) -> Any:
    """An insert that may say what happens when the row is there (``on_conflict_do_…``), as both databases have it."""
    return (postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert)(table)
