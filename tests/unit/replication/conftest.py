"""An archive with two replicas, real bags in them, and a third place beside them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from repository.archive import Archive
from repository.clock import FixedClock
from repository.ledger.acts import ActorRef
from repository.replication import Step, add_replica, fill
from repository.storage.local import LocalStore
from tests.unit.fixity.conftest import archive, store_record

__all__ = ["archive", "store_record"]

OFFICER = ActorRef("console:officer", "console")


@pytest.fixture
def third(tmp_path: Path) -> LocalStore:
    """A folder that may become replica ``c``."""
    return LocalStore("c", tmp_path / "replicas" / "c")


@pytest.fixture
def join(archive: Archive, third: LocalStore, clock: FixedClock) -> Callable[[], bool]:
    """Make the third place a replica that is being filled."""

    def joined() -> bool:
        third.prepare()
        with archive.sessions.begin() as session:
            added = add_replica(
                session, archive=archive, actor=OFFICER, store=third, location=third.location, required=True
            )
        archive.replicas.admit(third, required=True)
        clock.moment += timedelta(seconds=1)
        return added

    return joined


def filled(archive: Archive, name: str = "c") -> list[Step]:
    """The steps until the replica is in use or waits."""
    steps = [Step.MORE]
    while steps[-1] is Step.MORE:
        steps.append(fill(archive, name))
    return steps
