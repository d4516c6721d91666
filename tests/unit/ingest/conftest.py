"""A small archive with two replicas, a bureau and a console actor."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from access.actors import Actor, console_actor
from ingest.context import ALL_CHECKS, Context
from ingest.limits import IngestLimits
from ingest.pipeline import advance
from ingest.submissions import open_submission, receive_path
from metadata.identifiers import new_id
from metadata.profile import builtin
from repository.archive import Archive
from repository.clock import FixedClock
from repository.db import open_sessions, reading_sessions
from repository.keys import Keys
from repository.storage.local import LocalStore
from repository.storage.replicas import Replicas
from repository.tables import Organ, Replica

FAST = ALL_CHECKS - {"format"}


@pytest.fixture
def archive(tmp_path: Path, engine: Engine, clock: FixedClock) -> Archive:
    """An archive on SQLite and two local folders."""
    stores = []
    for name in ("a", "b"):
        (tmp_path / "replicas" / name).mkdir(parents=True)
        stores.append(LocalStore(name, tmp_path / "replicas" / name))
    made = Archive(
        holding_id=new_id(),
        zone="Asia/Shanghai",
        sessions=open_sessions(engine),
        reading=reading_sessions(engine),
        replicas=Replicas(stores),
        keys=Keys.create(tmp_path / "keys"),
        clock=clock,
        profile=builtin("social_assistance"),
        quarantine=tmp_path / "quarantine",
        derivatives=tmp_path / "derivatives",
    )
    made.quarantine.mkdir()
    with made.sessions.begin() as session:
        session.add_all(
            Replica(name=one.name, kind="local", location=str(one.root), added_at=clock.now()) for one in stores
        )
        session.add(Organ(id=new_id(), code="BUREAU", name_zh="测试县民政局", level="CB", division_prefix="990101"))
    return made


@pytest.fixture
def actor(archive: Archive) -> Actor:
    """The person at the console."""
    with archive.reading() as session:
        return console_actor(session, archive.profile, "tester")


@pytest.fixture
def context(archive: Archive) -> Iterator[Context]:
    """Every check but format identification, which needs processes."""
    made = Context.open(archive, IngestLimits(), checks=FAST)
    yield made
    made.close()


@pytest.fixture(scope="session")
def source_day() -> int:
    """Seconds: the time of change that tests give to their files."""
    return 1_767_571_200


@pytest.fixture
def deposit(archive: Archive, actor: Actor, context: Context) -> Callable[..., tuple[str, str]]:
    """Deposit paths and run the pipeline; the submission's id and the state it ended in."""

    def run(*paths: Path, limits: IngestLimits | None = None, **options: Any) -> tuple[str, str]:
        options.setdefault("accept", True)
        with archive.sessions.begin() as session:
            opened = open_submission(
                session,
                archive=archive,
                actor=actor,
                organ_id=None,
                title="测试移交",
                channel="console",
                options=options,
            )
        if limits is not None:
            context.limits = limits
        receive_path(archive, opened.id, list(paths), in_place=bool(options.get("in_place")), limits=limits)
        return opened.id, advance(context, opened.id)

    return run
