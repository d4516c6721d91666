"""Taking another folder for the one that all processes share is an act, and stands in the ledger."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import select

from lantai import shared_folders
from lantai.settings import load
from lantai.site import initialise
from metadata.errors import Unavailable
from repository.tables import LedgerEntry, SharedFolder
from tests.services.postgres import Postgres


def test_taking_another_folder_is_in_the_ledger(tmp_path: Path) -> None:
    site = initialise(load(home=tmp_path / "home", synthetic=True), bureau="民政局", division="330999")
    try:
        shared_folders.check(site, host="one")
        (site.archive.quarantine / shared_folders.MARK).write_text("another\n", encoding="ascii")
        with pytest.raises(Unavailable):
            shared_folders.check(site, host="two")
        shared_folders.check(site, host="two", take=True)
        shared_folders.check(site, host="two", take=True)  # nothing changes any more
        with site.archive.reading() as session:
            bodies = session.scalars(select(LedgerEntry.body).where(LedgerEntry.act == "folder.taken")).all()
    finally:
        site.close()
    [body] = bodies
    assert '"folder":"quarantine"' in body
    assert '"mark":"another"' in body
    assert "console:" in body


def test_of_workers_that_begin_at_once_one_marks_the_folders(
    postgres: Postgres, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = postgres.create_database()
    monkeypatch.setenv("LANTAI_DATABASE_URL", made.program_url)
    monkeypatch.setenv("LANTAI_DATABASE_OWNER_URL", made.owner_url)
    site = initialise(load(home=tmp_path / "home", synthetic=True), bureau="民政局", division="330999")
    together = threading.Barrier(2)
    read, waited = shared_folders._read, set[int]()

    def both_find_none(folder: Path) -> str:
        found = read(folder)
        if threading.get_ident() not in waited:  # at its first look
            waited.add(threading.get_ident())
            together.wait(10)
        return found

    monkeypatch.setattr(shared_folders, "_read", both_find_none)
    try:
        with ThreadPoolExecutor(2) as hosts:
            for one in [hosts.submit(shared_folders.check, site, host=host) for host in ("one", "two")]:
                one.result(30)
        with site.archive.reading() as session:
            marks = dict(session.execute(select(SharedFolder.name, SharedFolder.mark)).tuples().all())
        assert marks == {
            "quarantine": read(site.archive.quarantine),
            "derivatives": read(site.archive.derivatives),
        }
    finally:
        site.close()
