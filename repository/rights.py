"""What the program's role may do in PostgreSQL, and how text is compared there; set anew after every change of schema.

The owner's role makes the tables, the program's role works with them: it reads and writes rows, changes no table, and
may only add to the ledger. Text is compared by its bytes as on SQLite, whatever language the database was made with:
keys, codes and pages of lists then stand in one order everywhere, and indexes serve it.
"""

from __future__ import annotations

from sqlalchemy import Connection, Engine, inspect, text
from sqlalchemy.orm import Session

from repository.tables import Base, LedgerBlock, LedgerEntry

JOBS_SCHEMA = "dbos"
"""Where the job engine keeps its own tables."""
APPEND_ONLY = (LedgerEntry.__tablename__, LedgerBlock.__tablename__)
_ROWS = "SELECT, INSERT, UPDATE, DELETE"
_OTHERWISE_COMPARED = text(
    "SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod) FROM pg_attribute a"
    " JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace"
    " JOIN pg_collation l ON l.oid = a.attcollation"
    " WHERE n.nspname = current_schema() AND c.relkind = 'r' AND a.attnum > 0 AND NOT a.attisdropped"
    " AND l.collname <> 'C' ORDER BY c.relname, a.attnum"
)
_MAY_CHANGE = text(
    "SELECT bool_or(has_table_privilege(current_user, name, 'UPDATE, DELETE, TRUNCATE'))"
    " FROM unnest(CAST(:names AS text[])) AS name"
)


def settle(engine: Engine, program: str | None) -> None:
    """Compare text by bytes and give the role ``program`` its rights, as the owner of the tables; may be repeated.

    Does nothing on SQLite. Without ``program``, or where it is the owner itself, no rights are given.
    """
    if engine.dialect.name != "postgresql":
        return
    with engine.begin() as connection:
        _compare_by_bytes(connection)
        owner = connection.scalar(text("SELECT current_user"))
        if program and program != owner:
            _grant(connection, program)


def ledger_protected(session: Session) -> bool:
    """Whether the role of ``session`` can only add to the ledger; SQLite has no roles, its file is open to the program."""
    if session.get_bind().dialect.name != "postgresql":
        return False
    return not session.scalar(_MAY_CHANGE, {"names": list(APPEND_ONLY)})


def _compare_by_bytes(connection: Connection) -> None:
    """Set the collation of text columns; only of those that have another, since it makes their indexes anew."""
    changes: dict[str, list[str]] = {}
    quote = connection.dialect.identifier_preparer.quote
    for table, column, kind in connection.execute(_OTHERWISE_COMPARED):
        if table in Base.metadata.tables:
            changes.setdefault(table, []).append(f'ALTER COLUMN {quote(column)} TYPE {kind} COLLATE "C"')
    for table, columns in changes.items():
        connection.exec_driver_sql(f"ALTER TABLE {quote(table)} {', '.join(columns)}")


def _grant(connection: Connection, program: str) -> None:
    quote = connection.dialect.identifier_preparer.quote
    role = connection.dialect.identifier_preparer.quote_identifier(program)
    schema = quote(str(connection.scalar(text("SELECT current_schema()"))))
    database = quote(str(connection.scalar(text("SELECT current_database()"))))
    statements = [
        f"GRANT CONNECT ON DATABASE {database} TO {role}",
        f"REVOKE CREATE ON SCHEMA {schema} FROM PUBLIC",
        f"REVOKE CREATE ON SCHEMA {schema} FROM {role}",
        f"GRANT USAGE ON SCHEMA {schema} TO {role}",
        f"ALTER DEFAULT PRIVILEGES IN SCHEMA {schema} GRANT SELECT, INSERT ON TABLES TO {role}",
        f"ALTER DEFAULT PRIVILEGES IN SCHEMA {schema} GRANT USAGE, SELECT ON SEQUENCES TO {role}",
        f"GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA {schema} TO {role}",
        f"GRANT SELECT ON alembic_version TO {role}",
    ]
    for table in sorted(set(Base.metadata.tables) & set(inspect(connection).get_table_names())):
        rights = "SELECT, INSERT" if table in APPEND_ONLY else _ROWS
        statements += [f"REVOKE ALL ON {quote(table)} FROM {role}", f"GRANT {rights} ON {quote(table)} TO {role}"]
    if JOBS_SCHEMA in inspect(connection).get_schema_names():
        statements += [
            f"GRANT USAGE ON SCHEMA {JOBS_SCHEMA} TO {role}",
            f"GRANT {_ROWS} ON ALL TABLES IN SCHEMA {JOBS_SCHEMA} TO {role}",
            f"GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA {JOBS_SCHEMA} TO {role}",
            f"GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA {JOBS_SCHEMA} TO {role}",
        ]
    for statement in statements:
        connection.exec_driver_sql(statement)
