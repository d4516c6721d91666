"""The tables of the job engine (DBOS), as far as they are read and changed here.

Written down, so that who only reads jobs need not load the engine: that is 0.4 s of every command. A test holds them
against the engine's own.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Integer, MetaData, Table, Text
from sqlalchemy.orm import Session

SCHEMA = "jobs of this database"
"""Stands for the schema that the tables lie in, which a connection's ``schema_translate_map`` says."""

_ALL = MetaData(schema=SCHEMA)


def in_schema(session: Session, schema: str | None) -> Session:
    """``session``, in which the tables lie in ``schema`` (``None``: the database has none, as SQLite)."""
    connection = session.connection()
    known = connection.get_execution_options().get("schema_translate_map") or {}
    connection.execution_options(schema_translate_map={**known, SCHEMA: schema})
    return session


JOBS = Table(
    "workflow_status",
    _ALL,
    Column("workflow_uuid", Text, primary_key=True),
    *(Column(name, Text) for name in ("status", "name", "output", "error", "executor_id", "queue_name")),
    *(Column(name, Text) for name in ("deduplication_id", "owner_xid", "schedule_name")),
    *(Column(name, BigInteger) for name in ("created_at", "updated_at", "started_at_epoch_ms", "completed_at")),
    *(Column(name, BigInteger) for name in ("recovery_attempts", "workflow_deadline_epoch_ms")),
)
STEPS = Table(
    "operation_outputs",
    _ALL,
    Column("workflow_uuid", Text, primary_key=True),
    Column("function_id", Integer, primary_key=True),
    Column("function_name", Text),
    Column("error", Text),
    Column("started_at_epoch_ms", BigInteger),
    Column("completed_at_epoch_ms", BigInteger),
)
INPUTS = Table("workflow_input", _ALL, Column("workflow_uuid", Text, primary_key=True))
OUTPUTS = Table("workflow_output", _ALL, Column("workflow_uuid", Text, primary_key=True))
