"""Where `lantai rebuild` makes a catalogue in PostgreSQL: in a schema of its own beside the present one.

The schemas exchange their names in one transaction, so that a whole catalogue stands under the program's name whatever
happens. The replaced one is kept under another name with the jobs that belonged to it; the job engine begins anew.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, Engine, inspect, text
from sqlalchemy.engine import make_url
from sqlalchemy.schema import CreateSchema, DropSchema

from lantai.database import bring_up_to_date
from lantai.settings import Settings
from metadata.errors import Conflict, Unavailable
from metadata.identifiers import new_id
from repository.db import open_engine
from repository.rights import JOBS_SCHEMA
from repository.tables import Base

_MAKING = "lantai_rebuilding_"
_KEPT = "lantai_before_rebuild_"
_OTHERS = text(
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    " AND application_name LIKE 'lantai%' AND application_name NOT LIKE 'lantai rebuild%'"
)
_RELATIONS = text(
    "SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
    " WHERE n.nspname = current_schema() AND c.relkind IN ('r', 'p', 'v', 'm', 'f')"
)


def url_of(settings: Settings, schema: str) -> str:
    """The owner's URL with ``schema`` as the one that names without a schema mean."""
    url = make_url(settings.database_owner_url).update_query_dict({"options": f"-csearch_path={schema}"})
    return url.render_as_string(hide_password=False)


@contextmanager
def beside(settings: Settings) -> Iterator[str]:
    """A fresh schema for the length of the block; what is left of it afterwards, or of a rebuild that was killed, goes.

    ``Unavailable`` (``rebuild.in_use``) while other processes of the program are connected.
    """
    engine = _owner(settings)
    schema = f"{_MAKING}{new_id()[:8]}"
    try:
        with engine.begin() as connection:
            _refuse_when_in_use(connection)
            _sweep(connection)
            connection.execute(CreateSchema(schema))
        yield schema
    finally:
        with engine.begin() as connection:
            _sweep(connection)
        engine.dispose()


def swap(settings: Settings, schema: str) -> str | None:
    """Put the new catalogue in place; the name under which the old one is kept, if there was one."""
    engine = _owner(settings)
    mark = new_id()[:8]
    try:
        with engine.begin() as connection:
            _refuse_when_in_use(connection)
            here = str(connection.scalar(text("SELECT current_schema()")))
            kept = _keep(connection, here, mark)
            _rename(connection, schema, here)
        bring_up_to_date(settings)  # the job engine's own tables, and rights where the exchange left them
    finally:
        engine.dispose()
    return kept


def _keep(connection: Connection, here: str, mark: str) -> str | None:
    """Give the present schemas other names; an empty one is dropped."""
    found = set(connection.scalars(_RELATIONS))
    if foreign := found - set(Base.metadata.tables) - {"alembic_version"}:
        raise Conflict(
            "rebuild.foreign_tables",
            zh=f"模式 {here} 中有不属于兰台的表（{'、'.join(sorted(foreign)[:5])}），没有替换。请把它们移到别的模式或数据库后重试。",
            en=f"The schema {here} holds tables that are not Lantai's ({', '.join(sorted(foreign)[:5])}); nothing was replaced. Move them to another schema or database and try again.",
            schema=here,
        )
    if JOBS_SCHEMA in inspect(connection).get_schema_names():
        _rename(connection, JOBS_SCHEMA, f"{_KEPT}{mark}_jobs")
    if not found:
        connection.execute(DropSchema(here))
        return None
    kept = f"{_KEPT}{mark}"
    _rename(connection, here, kept)
    return kept


def _rename(connection: Connection, old: str, new: str) -> None:
    quote = connection.dialect.identifier_preparer.quote
    connection.exec_driver_sql(f"ALTER SCHEMA {quote(old)} RENAME TO {quote(new)}")


def _sweep(connection: Connection) -> None:
    for name in inspect(connection).get_schema_names():
        if name.startswith(_MAKING):
            connection.execute(DropSchema(name, cascade=True))


def _refuse_when_in_use(connection: Connection) -> None:
    if others := connection.scalar(_OTHERS):
        raise Unavailable(
            "rebuild.in_use",
            zh=f"还有 {others} 个兰台连接正在使用数据库，没有重建。请先停止 lantai serve 和 lantai worker，再重试。",
            en=f"{others} connections of Lantai use the database; nothing was rebuilt. Stop `lantai serve` and `lantai worker` first.",
            connections=others,
        )


def _owner(settings: Settings) -> Engine:
    return open_engine(
        settings.database_owner_url, busy_seconds=settings.busy_seconds, application="lantai rebuild", patient=True
    )
