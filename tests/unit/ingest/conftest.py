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
from repository.archive import Archive
from repository.clock import FixedClock
from tests.archives import bureau_archive

FAST = ALL_CHECKS - {"format", "virus"}


@pytest.fixture
def archive(tmp_path: Path, engine: Engine, clock: FixedClock) -> Archive:
    """An archive on SQLite and two local folders."""
    return bureau_archive(tmp_path, engine, clock)


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
