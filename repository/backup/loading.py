"""Taking rows up again into empty tables of either database, in one transaction."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from sqlalchemy import Connection, TableClause, insert, inspect, select, table, text, update

from metadata.errors import Conflict
from repository.backup.rows import LEFT_OUT, TableRead, damaged, read_table
from repository.rights import JOBS_SCHEMA
from repository.tables import Base

Progress = Callable[[str, int, int], None]


def refuse_when_not_empty(connection: Connection) -> None:
    """``Conflict`` (``restore.not_empty``) when any of the catalogue's tables, or of the jobs', holds a row."""
    for name in inspect(connection).get_table_names():
        if name not in Base.metadata.tables:
            continue
        _refuse_rows(connection, table(name))
    if "workflow_status" in _jobs_tables(connection):  # else old jobs would go on beside the restored catalogue
        _refuse_rows(connection, table("workflow_status", schema=JOBS_SCHEMA))


def _jobs_tables(connection: Connection) -> list[str]:
    if connection.dialect.name != "postgresql":
        return []
    return inspect(connection).get_table_names(JOBS_SCHEMA)


def _refuse_rows(connection: Connection, one: TableClause) -> None:
    if connection.execute(select(text("1")).select_from(one).limit(1)).first() is not None:
        raise Conflict(
            "restore.not_empty",
            zh=f"目标数据库不是空的（表 {one.fullname} 中已有内容），没有恢复任何内容。请换一个空数据库，或先把现有数据库移走。",
            en=f"The database to restore into is not empty (table {one.fullname} holds rows); nothing was restored. Use an empty database, or move the present one away first.",
            table=one.fullname,
        )


def load_tables(
    connection: Connection,
    files: Iterable[tuple[str, Iterator[bytes]]],
    expected: Mapping[str, int],
    progress: Progress,
) -> int:
    """Insert every table; how many rows. The caller commits, and only when ``files`` ended without an error.

    ``Invalid`` (``backup.table_damaged``) when a table does not hold the rows that the backup names.
    """
    total, done = sum(expected.values()), 0
    met: dict[str, int] = {}
    for path, chunks in files:
        read = read_table(chunks, path)
        rows = _insert_all(connection, read, _teller(progress, read.name, done, total))
        done += rows
        met[read.name] = rows
    wrong = {name for name in {**expected, **met} if expected.get(name) != met.get(name)}
    if wrong or LEFT_OUT & set(met):
        raise damaged(min(wrong or LEFT_OUT), "rows")
    _follow_sequences(connection, met)
    return done


def _teller(progress: Progress, name: str, done: int, total: int) -> Callable[[int], None]:
    return lambda rows: progress(name, done + rows, total)


def _own_references(connection: Connection, name: str) -> list[tuple[str, str]]:
    """(column, key) of references that a table has to itself."""
    found = inspect(connection).get_foreign_keys(name)
    return [
        (one["constrained_columns"][0], one["referred_columns"][0]) for one in found if one["referred_table"] == name
    ]


def _insert_all(connection: Connection, read: TableRead, tell: Callable[[int], None]) -> int:
    """Insert a table; what a row says of another row of the same table is entered once every row is there."""
    own = _own_references(connection, read.name)
    later: list[tuple[str, str, Any, Any]] = []
    rows = 0
    for batch in read.batches:
        for referring, key in own:
            for row in batch:
                if row[referring] is not None:
                    later.append((referring, key, row[key], row[referring]))
                    row[referring] = None
        connection.execute(insert(read.clause), batch)
        rows += len(batch)
        tell(rows)
    for referring, key, one, other in later:
        connection.execute(update(read.clause).where(read.clause.c[key] == one).values({referring: other}))
    return rows


def _follow_sequences(connection: Connection, names: Iterable[str]) -> None:
    """PostgreSQL numbers new rows from a sequence, which inserted numbers do not move."""
    if connection.dialect.name != "postgresql":
        return
    looked = inspect(connection)
    for name in names:
        for one in looked.get_pk_constraint(name)["constrained_columns"]:
            sequence = connection.execute(
                text("SELECT pg_get_serial_sequence(quote_ident(:name), :column)"), {"name": name, "column": one}
            ).scalar()
            if sequence is not None:
                highest = connection.execute(select(text(f"max({one})")).select_from(table(name))).scalar()
                connection.execute(
                    text("SELECT setval(CAST(:sequence AS regclass), :highest, :used)"),
                    {"sequence": sequence, "highest": highest or 1, "used": highest is not None},
                )
