"""First pages of lists over a catalogue on PostgreSQL read few rows, however many there are.

What the server says of its plans decides, not the time that they took: of plans as it makes them for a million, for
tables as small as these it would rather read whole.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest
from sqlalchemy import event, func, make_url, select

from bench.big import big_site
from bench.pages import browse
from bench.postgres import LISTS, on_database
from lantai.app import create_app
from lantai.site import Site
from lantai.web.security import SESSION_COOKIE
from repository.tables import RetentionAssignment, RetentionTotal
from retention import totals
from tests.journeys.route_walk import call
from tests.services.postgres import PgDatabase, Postgres

FILES = 30_000
MOST = 1_500
LARGE = (
    "submission",
    "record",
    "record_version",
    "case_record",
    "stored_file",
    "replica_object",
    "retention_assignment",
    "ledger_entry",
)
"""Tables that grow with the holdings; each has more rows here than any list may read."""
BOUNDED = {
    ("/use", "ledger_entry"): 6_500,
    ("/preservation", "replica_object"): 16_000,
    ("/preservation/replicas", "replica_object"): 16_000,
}
"""What is counted up to a number (the register says "at least 5,000 looks") or once in half a minute (copies on replicas)."""


@pytest.fixture(scope="module")
def catalogue(postgres: Postgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Site, PgDatabase]]:
    """Rows of 30,000 files, as a server knows them that has looked at its tables."""
    database = postgres.create_database()
    with on_database(database):
        site = big_site(tmp_path_factory.mktemp("catalogue"), FILES)
    with psycopg.connect(_plain(database.owner_url), autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE")
        for table in LARGE:
            found = connection.execute(f"SELECT count(*) FROM {table}").fetchone()  # type: ignore[arg-type]  # ours
            assert found is not None
            assert found[0] > max(MOST, BOUNDED["/use", "ledger_entry"] if table == "ledger_entry" else 0), table
    yield site, database
    site.close()
    postgres.drop_database(database.name)


def _plain(url: str) -> str:
    return make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)


def test_who_counts_what_is_due_at_the_same_time_doubles_nothing(catalogue: tuple[Site, PgDatabase]) -> None:
    site, _ = catalogue

    def count(_number: int) -> None:
        with site.archive.sessions.begin() as session:
            totals.count(session, archive=site.archive)

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(count, range(3)))
    with site.archive.reading() as session:
        counted = session.scalar(select(func.sum(RetentionTotal.records)))
        in_force = select(func.count()).select_from(RetentionAssignment).where(RetentionAssignment.current)
        assert counted == session.scalar(in_force)


def test_no_list_reads_a_table_whole(catalogue: tuple[Site, PgDatabase]) -> None:
    site, database = catalogue
    app, asked = create_app(site), list[tuple[str, Any]]()
    event.listen(site.engine, "before_cursor_execute", lambda *given: asked.append((given[2], given[3])))
    wrong: list[str] = []
    with psycopg.connect(_plain(database.program_url)) as connection:
        connection.execute("SET enable_seqscan = off")
        connection.execute("SET random_page_cost = 1.1")
        connection.commit()
        for (role, organ), paths in LISTS.items():
            token = browse(site, "http://127.0.0.1", role, organ).cookies[SESSION_COOKIE]
            headers = {"host": "127.0.0.1", "accept": "text/html", "cookie": f"{SESSION_COOKIE}={token}"}
            for path in paths:
                asked.clear()
                answer = asyncio.run(call(app, method="GET", address=path, headers=headers, body=b""))
                assert answer[0] == 200, path
                read = Counter[str]()
                for statement, values in asked:
                    if statement.lstrip().startswith(("SELECT", "WITH")):
                        read += _rows_read(connection, statement, values)
                assert read, path
                wrong += [
                    f"{path} of {role}: {rows} rows of {table}"
                    for table, rows in read.items()
                    if table in LARGE and rows > BOUNDED.get((path, table), MOST)
                ]
    assert wrong == [], wrong


def _rows_read(connection: psycopg.Connection[Any], statement: str, values: Any) -> Counter[str]:
    """Rows of each table that the server reads for a statement, those it passes over among them."""
    row = connection.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}", values).fetchone()  # type: ignore[arg-type]
    connection.rollback()
    assert row is not None
    return _scanned(row[0][0]["Plan"])


def _scanned(node: dict[str, Any]) -> Counter[str]:
    found = Counter[str]()
    if "Relation Name" in node and "Scan" in node["Node Type"]:
        passed_over = node.get("Rows Removed by Filter", 0) + node.get("Rows Removed by Index Recheck", 0)
        each = max(0.5, node["Actual Rows"] + passed_over)  # the server rounds what it tells of many turns
        found[node["Relation Name"]] += round(each * node["Actual Loops"])
    for below in node.get("Plans", ()):
        found += _scanned(below)
    return found
