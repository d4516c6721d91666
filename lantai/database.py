"""The site's database: opened with the program's role, made and changed with the owner's."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Engine
from sqlalchemy.engine import make_url
from sqlalchemy.exc import OperationalError

from lantai.alone import alone
from lantai.jobs import migrate
from lantai.settings import Settings
from metadata.errors import Unavailable
from repository.db import open_engine
from repository.migrations import is_current, upgrade
from repository.rights import settle

_FORBIDDEN = "42501"


def open_database(settings: Settings, *, patient: bool = False) -> Engine:
    """The engine that everything of the program works with; ``patient``: one whose statements have no limit of time."""
    return open_engine(
        settings.database_url,
        busy_seconds=settings.busy_seconds,
        pool=settings.database_pool,
        application=f"lantai {settings.site_name}",
        patient=patient,
        create=False,
    )


def has_database(settings: Settings) -> bool:
    """Whether there is a database file with anything in it; always true for a server's database."""
    path = file_of(settings.database_url)
    return path is None or (path.exists() and path.stat().st_size > 0)


def file_of(url: str) -> Path | None:
    """The file of a SQLite database; ``None`` for a server's, or one in memory."""
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite" or not parsed.database:
        return None
    return Path(parsed.database)


def bring_up_to_date(settings: Settings) -> None:
    """Give the database the schema of this program, the job engine's tables, and the program's role its rights.

    Done by the owner's role; harmless when nothing is to do. ``Unavailable``: ``database.needs_owner`` when the role may
    not change tables, ``database.newer_schema``.
    """
    engine = open_engine(
        settings.database_owner_url, busy_seconds=settings.busy_seconds, application="lantai upgrade", patient=True
    )
    try:
        if not is_current(engine):
            upgrade(engine)
        migrate(settings.database_owner_url)
        settle(engine, make_url(settings.database_url).username)
    except OperationalError as error:
        if getattr(error.orig, "sqlstate", None) != _FORBIDDEN:
            raise
        raise _needs_owner() from error
    finally:
        engine.dispose()


def follow_program(settings: Settings, engine: Engine) -> None:
    """Bring the database up to date when the program is newer than its schema; one process of a machine at a time."""
    if not is_current(engine):
        with alone(settings.home):
            bring_up_to_date(settings)


def _needs_owner() -> Unavailable:
    return Unavailable(
        "database.needs_owner",
        zh="数据库需要按本程序的版本更新表结构，而设置 database_url 中的帐号无权更改。请在设置 database_owner_url 后运行 lantai database upgrade。",
        en="The database needs the tables of this version, and the role in the setting database_url may not change them. Set database_owner_url and run `lantai database upgrade`.",
    )
