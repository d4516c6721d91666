"""A small archive on real folders and SQLite, with acts to seal."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import Engine

from metadata.identifiers import new_id
from metadata.profile import builtin
from repository.archive import Archive
from repository.clock import FixedClock
from repository.db import open_sessions, reading_sessions
from repository.keys import Keys
from repository.ledger import acts
from repository.ledger.acts import ActorRef
from repository.storage.local import LocalStore
from repository.storage.replicas import Replicas
from repository.tables import Replica

ACTOR = ActorRef("console:tester", "console")


@pytest.fixture
def archive(engine: Engine, clock: FixedClock, tmp_path: Path) -> Archive:
    """An archive with replicas ``a`` and ``b``."""
    stores = []
    for name in ("a", "b"):
        store = LocalStore(name, tmp_path / "replicas" / name)
        store.prepare()
        stores.append(store)
    made = Archive(
        holding_id=new_id(),
        zone="Asia/Shanghai",
        sessions=open_sessions(engine),
        reading=reading_sessions(engine),
        replicas=Replicas(stores),
        keys=Keys.create(tmp_path / "keys", now=clock.now()),
        clock=clock,
        profile=builtin("social_assistance"),
        quarantine=tmp_path / "quarantine",
        derivatives=tmp_path / "derivatives",
    )
    with made.sessions.begin() as session:
        session.add_all(
            Replica(name=one.name, kind="local", location=str(one.root), added_at=clock.now()) for one in stores
        )
    return made


@pytest.fixture
def act(archive: Archive) -> Callable[[int], None]:
    """Records some acts and as many looks."""

    def record(count: int) -> None:
        now = archive.clock.now()
        with archive.sessions.begin() as session:
            for _ in range(count):
                acts.organ_created(session, at=now, actor=ACTOR, organ_id=new_id())
                acts.looked(
                    session,
                    at=now,
                    actor=ACTOR,
                    act="record.viewed",
                    reason="核对 110101199001011234",
                    form="screen",
                    record_id=new_id(),
                )

    return record


@pytest.fixture
def replica_folder(tmp_path: Path) -> Path:
    """The folder of replica ``a``."""
    return tmp_path / "replicas" / "a"
