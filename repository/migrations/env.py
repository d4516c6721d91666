"""Alembic's entry: runs migrations on the engine that ``repository.migrations`` was handed."""

from __future__ import annotations

from alembic import context
from sqlalchemy import Connection, text

from repository.tables import Base

config = context.config
_LOCK = 0x1A27A1
"""The advisory lock of upgrades; any number that no other program of the database uses."""


def include(_thing: object, name: str | None, kind: str, _reflected: bool, _against: object) -> bool:
    """Only our tables: the job engine keeps its own in the same SQLite file."""
    return kind != "table" or name in Base.metadata.tables


def run(connection: Connection) -> None:
    """Run on one connection, in batch mode on SQLite (it cannot alter columns in place)."""
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        render_as_batch=connection.dialect.name == "sqlite",
        include_object=include,
        compare_type=True,
    )
    with context.begin_transaction():
        if connection.dialect.name == "postgresql":  # several machines may start the new program at once
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
        context.run_migrations()


with config.attributes["engine"].connect() as opened:
    run(opened)
    opened.commit()
