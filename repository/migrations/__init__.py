"""Schema history (Alembic), one line for SQLite and PostgreSQL alike."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine

from metadata.errors import Unavailable


def _config(engine: Engine) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    config.attributes["engine"] = engine
    return config


def upgrade(engine: Engine, revision: str = "head") -> None:
    """Bring the database to the newest schema, or to ``revision``; does nothing when it is there."""
    command.upgrade(_config(engine), revision)


def downgrade(engine: Engine, revision: str) -> None:
    """Take the database back to ``revision`` (``base``: nothing left)."""
    command.downgrade(_config(engine), revision)


def is_current(engine: Engine) -> bool:
    """Whether the database has the schema that this program expects; takes no write lock.

    ``Unavailable`` (``database.newer_schema``) when a newer program made it: an older one must not write into it.
    """
    with engine.execution_options(read_only=True).connect() as connection:
        found = MigrationContext.configure(connection).get_current_revision()
    script = ScriptDirectory.from_config(_config(engine))
    if found is not None and not knows(engine, found):
        raise Unavailable(
            "database.newer_schema",
            zh=f"数据库的结构版本（{found}）比本程序新，没有写入任何内容。请使用新版本的兰台。",
            en=f"The database has a schema ({found}) that this program does not know; nothing was written. Use the newer Lantai that made it.",
            found=found,
        )
    return found == script.get_current_head()


def knows(engine: Engine, revision: str) -> bool:
    """Whether ``revision`` is in the history that this program brings."""
    return revision in {one.revision for one in ScriptDirectory.from_config(_config(engine)).walk_revisions()}


def revision_of(connection: Connection) -> str:
    """The revision that the database of ``connection`` is at; empty before the first."""
    return MigrationContext.configure(connection).get_current_revision() or ""
