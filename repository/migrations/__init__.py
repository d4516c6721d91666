"""Schema history (Alembic), one line for SQLite and PostgreSQL alike."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Column, Connection, Engine, MetaData, String, Table, inspect, select

from metadata.errors import Unavailable

if TYPE_CHECKING:  # every command asks whether the schema is current; Alembic itself is loaded to change it
    from alembic.config import Config

HISTORY = ("0001", "0002", "0003", "0004_alarms", "0005_jobs", "0006_replicas", "0007_own_deposits")
"""The revisions in ``versions``, oldest first."""

_VERSION = Table("alembic_version", MetaData(), Column("version_num", String(32), primary_key=True))


def _config(engine: Engine) -> Config:
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    config.attributes["engine"] = engine
    return config


def upgrade(engine: Engine, revision: str = "head") -> None:
    """Bring the database to the newest schema, or to ``revision``; does nothing when it is there."""
    from alembic import command

    command.upgrade(_config(engine), revision)


def downgrade(engine: Engine, revision: str) -> None:
    """Take the database back to ``revision`` (``base``: nothing left)."""
    from alembic import command

    command.downgrade(_config(engine), revision)


def is_current(engine: Engine) -> bool:
    """Whether the database has the schema that this program expects; takes no write lock.

    ``Unavailable`` (``database.newer_schema``) when a newer program made it: an older one must not write into it.
    """
    with engine.execution_options(read_only=True).connect() as connection:
        found = revision_of(connection)
    if found and not knows(found):
        raise Unavailable(
            "database.newer_schema",
            zh=f"数据库的结构版本（{found}）比本程序新，没有写入任何内容。请使用新版本的兰台。",
            en=f"The database has a schema ({found}) that this program does not know; nothing was written. Use the newer Lantai that made it.",
            found=found,
        )
    return found == HISTORY[-1]


def knows(revision: str) -> bool:
    """Whether ``revision`` is in the history that this program brings."""
    return revision in HISTORY


def revision_of(connection: Connection) -> str:
    """The revision that the database of ``connection`` is at; empty before the first."""
    if not inspect(connection).has_table(_VERSION.name):
        return ""
    return connection.scalars(select(_VERSION.c.version_num)).one_or_none() or ""
