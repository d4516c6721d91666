"""Rows as lines of JSON: one form for SQLite and PostgreSQL, so that a backup of one can be taken up by the other.

A table is a gzip file (RFC 1952): a head line that names the columns with their kinds, then one JSON array a row. The
head is all that reading needs, so that a newer program with other columns still reads it.
"""

from __future__ import annotations

import base64
import gzip
import json
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    Date,
    Float,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    column,
    select,
    table,
)
from sqlalchemy.orm import Session
from sqlalchemy.sql.expression import TableClause

from metadata import digests
from metadata.errors import Invalid
from repository.clock import parse_stamp, stamp
from repository.tables import Outbox
from repository.tables.base import Big, Json, Moment

FORMAT = "lantai-table/1"
LEFT_OUT = frozenset({"heartbeat", "index_state", "lease", "login_session", "shared_folder", "upload"})
"""What belongs to running processes, signed-in browsers and folders of this machine: it has no meaning elsewhere."""
_AT_ONCE = 2000
_LONGEST_LINE = 256 << 20


@dataclass(frozen=True, slots=True)
class TableFile:
    """A table written to ``path``: rows, and size, CRC-32 and SHA-256 of the compressed file."""

    name: str
    path: Path
    rows: int
    size: int
    crc32: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Kind:
    """How values of one kind of column are written; ``type`` takes them up again on any database."""

    name: str
    type: Any
    write: Callable[[Any], Any] | None = None
    read: Callable[[Any], Any] | None = None


KINDS = {
    one.name: one
    for one in (
        Kind("text", String()),
        Kind("integer", Big),
        Kind("real", Float()),
        Kind("boolean", Boolean()),
        Kind("moment", Moment(), stamp, parse_stamp),
        Kind("date", Date(), date.isoformat, date.fromisoformat),
        Kind("json", Json),
        Kind("bytes", LargeBinary(), lambda data: base64.b64encode(data).decode(), base64.b64decode),
    )
}
_BY_TYPE: tuple[tuple[type[Any], str], ...] = (
    (JSON, "json"),
    (Boolean, "boolean"),
    (Integer, "integer"),
    (Float, "real"),
    (Moment, "moment"),
    (Date, "date"),
    (LargeBinary, "bytes"),
    (String, "text"),
)


def kind_of(one: Column[Any]) -> Kind:
    """The kind of a column; ``TypeError`` for a type that no backup knows (a test asks for every column)."""
    for known, name in _BY_TYPE:
        if isinstance(one.type, known):
            return KINDS[name]
    raise TypeError(f"{one.table.name}.{one.name}: {one.type!r}")


def kept(metadata: MetaData) -> list[Table]:
    """The tables of a backup, those that others refer to first."""
    return [one for one in metadata.sorted_tables if one.name not in LEFT_OUT]


def write_table(session: Session, one: Table, path: Path) -> TableFile:
    """Write the rows that ``session`` sees to ``path``, in the order of the primary key; memory does not grow."""
    columns = [each for each in one.columns if each.computed is None]
    kinds = [kind_of(each) for each in columns]
    writers = [(place, kind.write) for place, kind in enumerate(kinds) if kind.write is not None]
    head = {
        "format": FORMAT,
        "table": one.name,
        "columns": [[c.name, k.name] for c, k in zip(columns, kinds, strict=True)],
    }
    statement = select(*columns).order_by(*one.primary_key.columns)
    if one.name == Outbox.__tablename__:
        statement = statement.where(Outbox.done_at.is_(None))  # what is in the index already is found anew
    rows = 0
    with path.open("wb") as raw, gzip.GzipFile("", "wb", 1, raw, mtime=0) as out:
        out.write(_line(head))
        result = session.connection().execute(statement, execution_options={"yield_per": _AT_ONCE})
        for batch in result.partitions():
            lines = []
            for found in batch:
                values = list(found)
                for place, write in writers:
                    if values[place] is not None:
                        values[place] = write(values[place])
                lines.append(_line(values))
            out.write(b"".join(lines))
            rows += len(lines)
    return _measured(one.name, path, rows)


def _line(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=True, separators=(",", ":")).encode() + b"\n"


def _measured(name: str, path: Path, rows: int) -> TableFile:
    hashed, crc32, size = digests.new("sha256"), 0, 0
    with path.open("rb") as file:
        while chunk := file.read(1 << 20):
            hashed.update(chunk)
            crc32 = zlib.crc32(chunk, crc32)
            size += len(chunk)
    return TableFile(name, path, rows, size, crc32, hashed.hexdigest())


@dataclass(frozen=True, slots=True)
class TableRead:
    """A table on its way back: a light table to insert into, and its rows as dictionaries, in batches."""

    name: str
    clause: TableClause
    batches: Iterator[list[dict[str, Any]]]


def read_table(chunks: Iterable[bytes], label: str) -> TableRead:
    """The table whose compressed bytes are ``chunks``; ``Invalid`` (``backup.table_damaged``) where they do not fit."""
    lines = _lines(chunks, label)
    try:
        head = json.loads(next(lines))
        if head["format"] != FORMAT:
            raise damaged(label, str(head["format"]))
        columns = [(str(name), KINDS[kind]) for name, kind in head["columns"]]
        name = str(head["table"])
    except (StopIteration, ValueError, KeyError, TypeError) as error:
        raise damaged(label, "head") from error
    clause = table(name, *(column(each, kind.type) for each, kind in columns))
    return TableRead(name, clause, _batches(lines, columns, label))


def _batches(lines: Iterator[bytes], columns: list[tuple[str, Kind]], label: str) -> Iterator[list[dict[str, Any]]]:
    names = [name for name, _kind in columns]
    readers = [(name, kind.read) for name, kind in columns if kind.read is not None]
    batch: list[dict[str, Any]] = []
    for line in lines:
        try:
            row = dict(zip(names, json.loads(line), strict=True))
            for name, read in readers:
                if row[name] is not None:
                    row[name] = read(row[name])
        except (ValueError, TypeError) as error:
            raise damaged(label, "row") from error
        batch.append(row)
        if len(batch) == _AT_ONCE:
            yield batch
            batch = []
    if batch:
        yield batch


def _lines(chunks: Iterable[bytes], label: str) -> Iterator[bytes]:
    unpack = zlib.decompressobj(wbits=31)
    left = b""
    try:
        for chunk in chunks:
            for piece in _unpacked(unpack, chunk):
                *whole, left = (left + piece).split(b"\n")
                yield from whole
                if len(left) > _LONGEST_LINE:
                    raise damaged(label, "line")
    except zlib.error as error:
        raise damaged(label, str(error)) from error
    if left or not unpack.eof or unpack.unused_data:
        raise damaged(label, "end")


def _unpacked(unpack: Any, chunk: bytes) -> Iterator[bytes]:
    piece = unpack.decompress(chunk, 4 << 20)
    while piece:
        yield piece
        piece = unpack.decompress(unpack.unconsumed_tail, 4 << 20) if unpack.unconsumed_tail else b""


def damaged(label: str, detail: str) -> Invalid:
    """A table of a backup cannot be read."""
    return Invalid(
        "backup.table_damaged",
        zh=f"备份中的 {label} 无法读取（{detail}），没有恢复任何内容。请改用另一份备份。",
        en=f"{label} in the backup cannot be read ({detail}); nothing was restored. Use another backup.",
        path=label,
        detail=detail,
    )
