"""Taking another folder for the one that all processes share is an act, and stands in the ledger."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import select

from lantai import shared_folders
from lantai.settings import load
from lantai.site import initialise
from metadata.errors import Unavailable
from repository.tables import LedgerEntry


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
