"""Backups are made while a replica is in conflict, and in every store that answers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr
from sqlalchemy import select, update

from lantai import backups
from lantai.replica_settings import ReplicaSettings
from lantai.settings import load
from lantai.site import Site, initialise
from metadata.errors import Conflict, LantaiError, Unavailable
from repository.backup import bag
from repository.ledger.acts import ActorRef
from repository.pending import write_pending_objects
from repository.revisions import FrozenObject, freeze
from repository.storage import layout
from repository.storage.local import LocalStore
from repository.tables import Lease, LedgerEntry

SECRET = "correct horse battery staple"


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """A fresh site with two replicas."""
    monkeypatch.setenv("LANTAI_HOME", str(tmp_path / "home"))
    (tmp_path / "home").mkdir()
    made = initialise(load(), bureau="测试局", division="990101")
    yield made
    made.close()


def test_other_bytes_on_a_replica_keep_nobody_from_a_backup(site: Site, tmp_path: Path) -> None:
    key = layout.entity_key("organ", "00000000-0000-4000-8000-000000000001", 1)
    site.archive.replicas.store("a").create(key, [b"other"])
    with site.archive.sessions.begin() as session:
        freeze(session, [FrozenObject(key, "entity", b"ours")], now=site.archive.clock.now())
    with pytest.raises(Conflict):
        write_pending_objects(site.archive)
    vault = LocalStore("vault", tmp_path / "vault")
    backups.make(site, vault, secret=SECRET, actor=ActorRef("console:t", "console"))
    assert len(bag.listing(vault)[0]) == 1


def test_a_store_that_is_away_keeps_no_other_from_its_backup(site: Site, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"in the way")
    site.settings.backups = [
        ReplicaSettings(name="away", kind="local", path=tmp_path / "file" / "vault"),
        ReplicaSettings(name="vault", kind="local", path=tmp_path / "vault"),
    ]
    site.settings.backup.cron = "0 2 * * *"
    site.settings.backup.passphrase = SecretStr(SECRET)
    with pytest.raises(LantaiError):
        backups.make_scheduled(site)
    assert len(bag.listing(LocalStore("vault", tmp_path / "vault"))[0]) == 1


def test_a_backup_that_another_took_over_ends_without_a_label(site: Site, tmp_path: Path) -> None:
    archive, vault = site.archive, LocalStore("vault", tmp_path / "vault")

    def taken_over(done: int, _total: int | None, _what: str | None) -> None:
        if done == 0:
            with archive.sessions.begin() as session:
                session.execute(update(Lease).values(holder="another"))

    with pytest.raises(Unavailable) as lost:
        backups.make(site, vault, secret=SECRET, actor=ActorRef("console:t", "console"), progress=taken_over)
    assert lost.value.code == "lease.lost"
    listed, unfinished = bag.listing(vault)
    assert (len(listed), len(unfinished)) == (0, 1)
    with archive.reading() as session:
        assert session.scalar(select(Lease.holder).where(Lease.name == "backup")) == "another"
        failed = select(LedgerEntry.body).where(LedgerEntry.act == "backup.failed")
        assert "lease.lost" in session.scalars(failed).one()
