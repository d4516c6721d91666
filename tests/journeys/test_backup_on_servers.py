"""A backup moves a site: from SQLite by a bucket to PostgreSQL, and from there back into a file."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import func, select, text

from access.actors import console_actor
from access.organs import create_organ
from lantai import backups
from lantai.replica_settings import ReplicaSettings
from lantai.restoring import restore
from lantai.settings import load
from lantai.site import Site, initialise, open_site
from lantai.stores import open_store
from metadata.errors import Conflict
from repository.backup import bag
from repository.db import open_engine
from repository.fixity import audit
from repository.fixity.outcome import FAULTS, Outcome
from repository.ledger.acts import ActorRef
from repository.ledger.catalogue import verify_catalogue
from repository.ledger.seal import seal
from repository.storage.base import Store
from repository.tables import LedgerEntry, Organ
from tests.services.postgres import PgDatabase, Postgres
from tests.services.seaweed import Seaweed

SECRET = "correct horse battery staple"
ACTOR = ActorRef("console:tester", "console")

pytestmark = pytest.mark.slow


def _restored(store: Store, progress: Callable[[str, int, int], None] = lambda *_: None) -> Site:
    label = bag.find(store, "newest")
    told = restore(
        lambda: store.read(label.key),
        label.name,
        secret=SECRET,
        actor=ACTOR,
        expect=label.sha256,
        progress=progress,
    )
    assert not told.ahead.stops
    return open_site()


_SLOW = """
CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(1.2); RETURN NULL; END';
CREATE TRIGGER slow AFTER UPDATE ON stored_file FOR EACH STATEMENT EXECUTE FUNCTION slow();
"""


def _as_owner(database: PgDatabase, sql: str) -> None:
    engine = open_engine(database.owner_url)
    with engine.begin() as connection:
        connection.exec_driver_sql(sql)
    engine.dispose()


def _town(site: Site, number: int) -> None:
    with site.archive.sessions.begin() as session:
        create_organ(
            session,
            archive=site.archive,
            actor=console_actor(session, site.archive.profile, "tester"),
            code=f"town-{number}",
            name_zh=f"第 {number} 镇",
            level="TS",
            division_prefix=f"990101{number:03d}",
            parent_code="bureau",
        )


def _proved(site: Site, *, organs: int) -> None:
    with site.archive.reading() as session:
        assert session.scalar(select(func.count()).select_from(Organ)) == organs
        assert session.scalar(select(func.count(Organ.parent_id))) == organs - 1
        assert verify_catalogue(session, site.archive).ok
    results = audit(site.archive, actor=ACTOR)
    assert results.total(*FAULTS) == results.total(Outcome.NOT_CHECKED) == 0
    assert results.checked > 0


def test_a_site_moves_to_a_server_and_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, postgres: Postgres, seaweed: Seaweed
) -> None:
    place = ReplicaSettings(
        name="vault",
        kind="s3",
        endpoint=seaweed.endpoint,
        bucket=seaweed.make_bucket(),
        access_key=seaweed.writer.access_key,
        secret_key=seaweed.writer.secret_key,
    )
    store = open_store(place)
    replicas = '[{"name": "a", "path": "../stores/a"}, {"name": "b", "path": "../stores/b"}]'
    monkeypatch.setenv("LANTAI_REPLICAS", replicas)
    monkeypatch.setenv("LANTAI_HOME", str(tmp_path / "first"))
    site = initialise(load(), bureau="测试局", division="990101")
    _town(site, 101)
    backups.make(site, store, secret=SECRET, actor=ACTOR)
    site.close()
    shutil.rmtree(tmp_path / "first")

    database = postgres.create_database()
    monkeypatch.setenv("LANTAI_HOME", str(tmp_path / "second"))
    monkeypatch.setenv("LANTAI_DATABASE_URL", database.program_url)
    monkeypatch.setenv("LANTAI_DATABASE_OWNER_URL", database.owner_url)
    monkeypatch.setenv("LANTAI_DATABASE_POOL__STATEMENT_SECONDS", "1")  # restoring is not bound by it

    def slowly(what: str, _done: int, _total: int) -> None:
        if what == "stores":  # the tables are there, and the settings are read
            _as_owner(database, _SLOW)
            monkeypatch.delenv("LANTAI_DATABASE_POOL__STATEMENT_SECONDS")

    site = _restored(store, slowly)
    _as_owner(database, "DROP FUNCTION slow CASCADE")
    try:
        assert site.engine.dialect.name == "postgresql"
        _town(site, 102)  # its numbers go on after the restored ones
        seal(site.archive)
        _proved(site, organs=3)
        label = backups.make(site, store, secret=SECRET, actor=ACTOR)
        assert label.facts.database == "postgresql"
        with pytest.raises(Exception, match="permission denied"), site.archive.sessions.begin() as session:
            session.execute(text("DELETE FROM ledger_entry"))
        monkeypatch.setenv("LANTAI_HOME", str(tmp_path / "another"))
        with pytest.raises(Conflict) as raised:
            _restored(store)
        assert raised.value.code == "restore.not_empty"
        assert not (tmp_path / "another" / "lantai.toml").exists()
    finally:
        site.close()

    monkeypatch.delenv("LANTAI_DATABASE_URL")
    monkeypatch.delenv("LANTAI_DATABASE_OWNER_URL")
    monkeypatch.setenv("LANTAI_HOME", str(tmp_path / "third"))
    site = _restored(store)
    try:
        assert site.engine.dialect.name == "sqlite"
        _proved(site, organs=3)
        with site.archive.reading() as session:
            told = session.scalars(select(LedgerEntry.act).where(LedgerEntry.act.like("backup.%"))).all()
        assert sorted(told) == ["backup.begun", "backup.begun", "backup.restored", "backup.restored"]
    finally:
        site.close()
