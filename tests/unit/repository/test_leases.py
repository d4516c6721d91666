"""A lease is held by one process at a time and expires."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import pytest
from sqlalchemy import update

from metadata.errors import Unavailable
from repository import leases
from repository.clock import FixedClock, SystemClock
from repository.db import Sessions
from repository.tables import Lease

pytestmark = pytest.mark.both_databases


def test_only_one_of_many_takes_it(sessions: Sessions, clock: FixedClock) -> None:
    with ThreadPoolExecutor(8) as pool:
        won = list(pool.map(lambda n: leases.take(sessions, "sealer", f"h{n}", 60, clock), range(16)))
    assert sum(won) == 1


def test_holder_may_prolong_and_another_may_not(sessions: Sessions, clock: FixedClock) -> None:
    assert leases.take(sessions, "sealer", "one", 60, clock)
    assert leases.take(sessions, "sealer", "one", 60, clock)
    assert leases.renew(sessions, "sealer", "one", 120, clock)
    assert not leases.renew(sessions, "sealer", "two", 120, clock)
    assert not leases.take(sessions, "sealer", "two", 60, clock)
    leases.release(sessions, "sealer", "two")
    assert not leases.take(sessions, "sealer", "two", 60, clock)


def test_expired_lease_goes_to_the_next(sessions: Sessions, clock: FixedClock) -> None:
    assert leases.take(sessions, "sealer", "one", 60, clock)
    clock.moment += timedelta(seconds=61)
    assert leases.take(sessions, "sealer", "two", 60, clock)
    assert not leases.renew(sessions, "sealer", "one", 60, clock)


def test_held_says_who_has_it_and_frees_it(sessions: Sessions, clock: FixedClock) -> None:
    with leases.held(sessions, "audit", "one", 60, clock):
        with (
            pytest.raises(Unavailable, match="Another process \\(one\\)") as refused,
            leases.held(sessions, "audit", "two", 60, clock),
        ):
            pass
        assert refused.value.code == "lease.held"
        assert "one" in refused.value.sentence("zh")
    with leases.held(sessions, "audit", "two", 60, clock):
        pass


def test_held_frees_it_after_a_failure(sessions: Sessions, clock: FixedClock) -> None:
    with pytest.raises(ZeroDivisionError), leases.held(sessions, "audit", "one", 60, clock):
        _ = 1 / 0
    assert leases.take(sessions, "audit", "two", 60, clock)


def test_holder_names_differ() -> None:
    names = {leases.holder_name("audit") for _ in range(50)}
    assert len(names) == 50
    assert all(len(name) <= 80 for name in names)


def test_a_kept_lease_is_prolonged_beside_the_work_until_another_has_it(sessions: Sessions) -> None:
    clock = SystemClock()

    def until() -> datetime:
        with sessions() as session:
            return session.get_one(Lease, "backup").expires_at

    with leases.kept(sessions, "backup", "one", 0.6, clock) as hold:
        first, patience = until(), time.monotonic() + 20
        while until() == first and time.monotonic() < patience:
            time.sleep(0.05)
        assert until() > first
        hold.still()
        with sessions.begin() as session:
            session.execute(update(Lease).values(holder="two"))
        assert hold.lost.wait(20)
        with pytest.raises(Unavailable) as lost:
            hold.still()
    assert lost.value.code == "lease.lost"
    with sessions() as session:
        assert session.get_one(Lease, "backup").holder == "two"
