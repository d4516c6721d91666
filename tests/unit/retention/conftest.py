"""An archive with one organ."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import Engine

from access.accounts import SYSTEM
from access.organs import create_organ
from metadata.identifiers import new_id
from metadata.profile import builtin
from repository.archive import Archive
from repository.clock import FixedClock
from repository.db import open_sessions, reading_sessions
from repository.keys import Keys
from repository.storage.local import LocalStore
from repository.storage.replicas import Replicas


@pytest.fixture
def archive(engine: Engine, clock: FixedClock, tmp_path: Path) -> Archive:
    """A county bureau on real folders and SQLite."""
    store = LocalStore("a", tmp_path / "replicas" / "a")
    store.prepare()
    made = Archive(
        holding_id=new_id(),
        zone="Asia/Shanghai",
        sessions=open_sessions(engine),
        reading=reading_sessions(engine),
        replicas=Replicas([store]),
        keys=Keys.create(tmp_path / "keys", now=clock.now()),
        clock=clock,
        profile=builtin("social_assistance"),
        quarantine=tmp_path / "quarantine",
        derivatives=tmp_path / "derivatives",
    )
    with made.sessions.begin() as session:
        create_organ(
            session,
            archive=made,
            actor=SYSTEM,
            code="bureau",
            name_zh="县民政局",
            level="CB",
            division_prefix="990101",
        )
    return made
