"""The schema history leads to exactly the tables that the program has, there and back."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Column, Engine, MetaData, inspect

from repository import migrations
from repository.db import open_engine
from repository.migrations import HISTORY, downgrade, is_current, upgrade
from repository.tables import Base
from tests.services.postgres import Postgres


@pytest.fixture(params=["sqlite", "postgresql"])
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """An engine on an empty database, of the owner of its tables."""
    if request.param == "sqlite":
        engine = open_engine(f"sqlite:///{tmp_path / 'new.db'}")
    else:
        server: Postgres = request.getfixturevalue("postgres")
        engine = open_engine(server.create_database().owner_url, patient=True)
    yield engine
    engine.dispose()


def test_history_and_tables_agree(empty: Engine) -> None:
    engine = empty
    upgrade(engine)
    assert is_current(engine)
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), Base.metadata) == []
    downgrade(engine, "base")
    assert not set(Base.metadata.tables) & set(inspect(engine).get_table_names())
    upgrade(engine)
    assert is_current(engine)


def test_the_revisions_told_are_those_in_the_folder() -> None:
    folder = ScriptDirectory(str(Path(migrations.__file__).parent))
    assert tuple(reversed([one.revision for one in folder.walk_revisions()])) == HISTORY


def _filled(engine: Engine, rows: int = 3) -> dict[str, list[dict[str, Any]]]:
    """Rows in every table, keys between tables kept; every cell of every table as the database gives it back."""
    found = MetaData()
    found.reflect(engine)
    with engine.begin() as connection:
        for table in found.sorted_tables:
            if table.name == "alembic_version":
                continue
            for number in range(1, rows + 1):
                connection.execute(table.insert().values({one.name: _cell(one, number) for one in table.columns}))
    return _rows(engine)


def _cell(column: Column[Any], number: int) -> Any:
    for key in column.foreign_keys:
        return None if column.nullable else _cell(key.column, number)
    kind = column.type.python_type
    if kind is bool:
        return bool(number % 2)
    if kind in {float, Decimal}:
        return number + 0.5
    if kind is int:
        return number
    if kind is bytes:
        return bytes([number, 0, 255])
    if kind is datetime:
        return datetime(2026, 1, number, tzinfo=UTC).replace(tzinfo=None)
    if kind is date:
        return date(2026, 1, number)
    if kind in {dict, list}:
        return {"户": number}
    return f"{column.name[:6]}{number}"


def _rows(engine: Engine) -> dict[str, list[dict[str, Any]]]:
    found = MetaData()
    found.reflect(engine)
    with engine.connect() as connection:
        return {
            table.name: sorted((dict(row) for row in connection.execute(table.select()).mappings()), key=repr)
            for table in found.sorted_tables
            if table.name != "alembic_version"
        }


def _without(rows: list[dict[str, Any]], columns: set[str]) -> list[dict[str, Any]]:
    return [{name: value for name, value in row.items() if name not in columns} for row in rows]


def test_a_database_of_the_first_schema_comes_along_whole_and_goes_back(empty: Engine) -> None:
    """Nothing is lost on the way up or down; what is new says that nothing was done yet."""
    engine = empty
    upgrade(engine)
    downgrade(engine, "0001")
    assert not is_current(engine)
    before = _filled(engine)
    indexes = {name: inspect(engine).get_indexes(name) for name in before}
    assert all(len(rows) == 3 for rows in before.values())
    upgrade(engine)
    assert is_current(engine)
    after = _rows(engine)
    added = {
        "stored_file": {"image_state", "ocr_state", "page_count"},
        "submission_file": {"technical"},
        "record_plan": {"suggested", "given"},
        "account": {
            "previous_visit_at",
            "password_changed_at",
            "waiting_half",
            "past_passwords",
            "preferences",
            "row_version",
        },
        "organ": {"closed_at"},
        "ledger_entry": {"request_id", "form", "account_id"},
        "login_session": {"id", "device"},
        "retention_assignment": {"organ_id"},
        "record": {"filed", "township"},
        "case_file": {"township"},
        "heartbeat": {"host", "queues"},
    }
    for name, rows in before.items():
        assert _without(after[name], added.get(name, set())) == rows, name
    assert [(row["image_state"], row["ocr_state"], row["page_count"]) for row in after["stored_file"]] == [
        ("pending", "pending", None)
    ] * 3
    assert all(row["preferences"] == {} and row["row_version"] == 1 for row in after["account"])
    assert len({row["id"] for row in after["login_session"]}) == 3
    assert all(row["filed"] for row in after["record"])  # each stands in a case file
    assert {row["technical"] for row in after["submission_file"]} == {None}
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), Base.metadata) == []
        if engine.dialect.name == "sqlite":
            assert connection.exec_driver_sql("PRAGMA foreign_key_check").all() == []
    downgrade(engine, "0001")
    assert _rows(engine) == before
    assert {name: inspect(engine).get_indexes(name) for name in before} == indexes


def test_alarms_get_their_record_and_go_back(empty: Engine) -> None:
    """Two open alarms about one person stay two, the newest is added to; kinds that are new go back without a clash."""
    engine = empty
    upgrade(engine)
    downgrade(engine, "0003")
    at = datetime(2026, 1, 5, tzinfo=UTC)
    if engine.dialect.name == "sqlite":
        at = at.replace(tzinfo=None)
    old = MetaData()
    old.reflect(engine)
    with engine.begin() as connection:
        for number, (kind, window, closed) in enumerate(
            (
                ("bulk_views", "w1", False),
                ("bulk_views", "w2", False),
                ("bulk_views", "w3", True),
                ("refusals", "w1", False),
            )
        ):
            values = {
                "id": f"id-{number}",
                "kind": kind,
                "account_id": "someone",
                "window": window,
                "detail": {"n": number},
            }
            ended = {"closed_at": at, "closed_by": "auditor", "remark": "没事"} if closed else {"remark": ""}
            connection.execute(old.tables["alarm"].insert().values(**values, raised_at=at, **ended))
    before = _rows(engine)["alarm"]
    upgrade(engine)
    after = {row["id"]: row for row in _rows(engine)["alarm"]}
    assert [(after[one]["state"], after[one]["open_as"]) for one in sorted(after)] == [
        ("open", None),
        ("open", "bulk_views:someone"),
        ("closed", None),
        ("open", "refusals:someone"),
    ]
    assert all(row["last_at"] == at and row["times"] == 1 and row["subject"] == "someone" for row in after.values())
    steps = [(one["step"], one["actor_id"], one["words"]) for one in after["id-2"]["told"]]
    assert steps == [("raised", "system", ""), ("closed", "auditor", "没事")]
    new = MetaData()
    new.reflect(engine)
    with engine.begin() as connection:
        for number in range(2):
            values = {"id": f"part-{number}", "kind": "part_down", "subject": "index", "window": "", "detail": {}}
            more = {
                "state": "closed",
                "times": 1,
                "raised_at": at,
                "last_at": at,
                "told": [],
                "remark": "",
                "revision": 1,
            }
            connection.execute(new.tables["alarm"].insert().values(**values, **more))
    downgrade(engine, "0003")
    back = _rows(engine)["alarm"]
    assert [row for row in back if not row["id"].startswith("part-")] == before
    assert len(back) == 6
