"""The database: SQLite in WAL mode by default, PostgreSQL in production.

Every write transaction on SQLite begins IMMEDIATE, so that two writers queue instead of failing half-way, and waits up
to ``busy_timeout`` for another process. Functions of the program take a session and never commit; the caller owns the
transaction (``with sessions.begin() as session``).
"""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session, sessionmaker

from metadata.errors import Unavailable

Sessions = sessionmaker[Session]


def open_engine(url: str, *, busy_seconds: float = 30.0) -> Engine:
    """An engine for ``url`` with the settings that Lantai relies on; a missing SQLite folder is made."""
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite":
        return create_engine(url, pool_pre_ping=True)
    if parsed.database and parsed.database != ":memory:":
        Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(url, connect_args={"timeout": busy_seconds, "check_same_thread": False})

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


def open_sessions(engine: Engine) -> Sessions:
    """Sessions for writing: ``with sessions.begin() as session``. Objects stay readable after commit."""
    return sessionmaker(engine, expire_on_commit=False)


def reading_sessions(engine: Engine) -> Sessions:
    """Sessions for reading only: on SQLite they take no write lock, so pages never wait for a batch to commit."""
    return sessionmaker(engine.execution_options(read_only=True), expire_on_commit=False)


def by_bytes(session: Session, column: Any) -> Any:
    """``column`` compared and sorted by its bytes on every database; PostgreSQL would use the site's language."""
    return column.collate("C") if session.get_bind().dialect.name == "postgresql" else column


def is_locked(error: OperationalError) -> bool:
    """Whether the database said that another process holds it."""
    return "database is locked" in str(error.orig) or "database table is locked" in str(error.orig)


def unavailable(error: OperationalError) -> Unavailable:
    """The sentence for a person whose act the database could not take."""
    if is_locked(error):
        return Unavailable(
            "database.locked",
            zh="数据库正被另一个进程占用，本次操作没有写入任何内容。请稍后重试；若一直如此，请检查是否有备份或其他程序打开了数据库。",
            en="Another process holds the database; nothing was written. Try again soon, or look for a backup or program that keeps it open.",
        )
    return Unavailable(
        "database.unavailable",
        zh="数据库现在无法访问，本次操作没有写入任何内容。请稍后重试或通知系统管理员。",
        en="The database does not answer now; nothing was written. Try again later or tell the system administrator.",
    )
