"""A catalogue of a million files in PostgreSQL beside the same one in SQLite: first pages of lists, depth, the register.

The server is the one that tests start, in a folder of its own and with small buffers; it is gone afterwards.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from sqlalchemy import func, select

from bench.big import big_site, township
from bench.measure import Result
from bench.pages import browse, p95, serve_site
from bench.register import inserts, person
from lantai.site import Site
from repository.db import open_engine
from repository.tables import CaseFile, Record
from tests.services.base import NotHere
from tests.services.postgres import PgDatabase, Postgres

FIRST_PAGE_MS = 50.0
LISTS = {
    ("archivist", "bureau"): (
        "/holdings",
        "/holdings/records",
        "/holdings/tray",
        "/submissions",
        "/retention",
        "/retention/due",
        "/retention/holds",
        "/requests",
    ),
    ("clerk_township", township(0)): ("/holdings", "/holdings/records", "/submissions"),
    ("preservation_officer", "bureau"): ("/preservation", "/preservation/replicas"),
    ("audit_admin", "bureau"): ("/use", "/alarms", "/system/log"),
    ("sys_admin", "bureau"): ("/system", "/system/organs", "/system/accounts", "/system/sessions", "/system/jobs"),
}
_Times = dict[tuple[str, str], float]


def results(folder: Path, *, quick: bool) -> Iterator[Result]:
    """One line a list (PostgreSQL, with SQLite as the other), depth against the first page, and the register."""
    files = 100_000 if quick else 1_000_000
    label = f"{files:,} files"
    try:
        server = Postgres().start()
    except NotHere:
        return
    try:
        there = _sqlite(folder, files)
        with on_database(server.create_database()):
            yield from _postgresql(folder / "postgres", files, there, label)
    finally:
        server.close()
        shutil.rmtree(folder / "postgres", ignore_errors=True)


def _sqlite(folder: Path, files: int) -> _Times:
    site = big_site(folder, files)
    try:
        return _times(site)
    finally:
        site.close()


def _postgresql(folder: Path, files: int, there: _Times, label: str) -> Iterator[Result]:
    shutil.rmtree(folder, ignore_errors=True)
    site = big_site(folder, files)
    try:
        owner = open_engine(site.settings.database_owner_url, patient=True)
        with owner.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql("VACUUM ANALYZE")  # what the server does by itself, some minutes later
        owner.dispose()
        for (role, path), took in _times(site).items():
            name = f"PostgreSQL, {path} of {role}"
            floor = None if path.startswith("deep ") else 1.0
            yield Result(name, label, took, there[role, path], "ms (p95)", FIRST_PAGE_MS / took, floor)
        for one in inserts(site, person(site, "archivist"), label):
            yield replace(one, case=f"PostgreSQL, {one.case}", floor=None)
    finally:
        site.close()


def _times(site: Site) -> _Times:
    found: _Times = {}
    with serve_site(site) as address:
        for (role, organ), paths in LISTS.items():
            browser = browse(site, address, role, organ)
            for path in paths:
                found[role, path] = p95(browser, path).wall
        browser = browse(site, address, "archivist", "bureau")
        for path, end in _ends(site).items():
            found["archivist", f"deep {path}"] = p95(browser, f"{path}?after={end - 60}").wall
    return found


def _ends(site: Site) -> dict[str, int]:
    with site.archive.reading() as session:
        return {
            "/holdings": session.scalar(select(func.max(CaseFile.seq))) or 0,
            "/holdings/records": session.scalar(select(func.max(Record.seq))) or 0,
        }


@contextmanager
def on_database(database: PgDatabase) -> Iterator[None]:
    """The environment of a site on ``database``, for the length of the block."""
    given = {"LANTAI_DATABASE_URL": database.program_url, "LANTAI_DATABASE_OWNER_URL": database.owner_url}
    before = {name: os.environ.get(name) for name in given}
    os.environ.update(given)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
