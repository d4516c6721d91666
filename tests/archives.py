"""A small archive for tests: two replicas in folders, one bureau, fresh keys."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Engine

from metadata.identifiers import new_id
from metadata.profile import builtin
from repository.archive import Archive
from repository.clock import FixedClock
from repository.db import open_sessions, reading_sessions
from repository.keys import Keys
from repository.storage.local import LocalStore
from repository.storage.replicas import Replicas
from repository.tables import Organ, Replica


def bureau_archive(folder: Path, engine: Engine, clock: FixedClock) -> Archive:
    """An archive below ``folder`` on ``engine``, whose tables exist, with the bureau ``BUREAU`` of division 990101."""
    stores = []
    for name in ("a", "b"):
        (folder / "replicas" / name).mkdir(parents=True)
        stores.append(LocalStore(name, folder / "replicas" / name))
    made = Archive(
        holding_id=new_id(),
        zone="Asia/Shanghai",
        sessions=open_sessions(engine),
        reading=reading_sessions(engine),
        replicas=Replicas(stores),
        keys=Keys.create(folder / "keys"),
        clock=clock,
        profile=builtin("social_assistance"),
        quarantine=folder / "quarantine",
        derivatives=folder / "derivatives",
    )
    made.quarantine.mkdir()
    with made.sessions.begin() as session:
        session.add_all(
            Replica(name=one.name, kind="local", location=str(one.root), added_at=clock.now()) for one in stores
        )
        session.add(Organ(id=new_id(), code="BUREAU", name_zh="测试县民政局", level="CB", division_prefix="990101"))
    return made
