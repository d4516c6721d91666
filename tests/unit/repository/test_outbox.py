"""The outbox gives rows in order, once each, whatever order they were committed in."""

from __future__ import annotations

from datetime import timedelta

import pytest

from repository import outbox
from repository.clock import FixedClock
from repository.db import Sessions

pytestmark = pytest.mark.both_databases


def test_rows_are_done_one_by_one(sessions: Sessions, clock: FixedClock) -> None:
    with sessions.begin() as session:
        assert outbox.enqueue(session, outbox.RECORD, ["one", "two", "three"], clock.now()) == 3
    with sessions.begin() as session:
        first, second, third = outbox.pending(session)
        assert [row.subject_id for row in (first, second, third)] == ["one", "two", "three"]
        outbox.mark_done(session, [third.seq], clock.now())  # a later row may be done first
    with sessions.begin() as session:
        assert [row.seq for row in outbox.pending(session)] == [first.seq, second.seq]
        assert [row.seq for row in outbox.pending(session, 1)] == [first.seq]
        assert outbox.lag(session) == 2


def test_a_rolled_back_act_leaves_no_row(sessions: Sessions, clock: FixedClock) -> None:
    with sessions() as session:
        outbox.enqueue(session, outbox.RECORD, ["one"], clock.now())
        session.rollback()
    with sessions.begin() as session:
        assert outbox.lag(session) == 0


def test_only_done_rows_are_forgotten(sessions: Sessions, clock: FixedClock) -> None:
    with sessions.begin() as session:
        outbox.enqueue(session, outbox.RECORD, (f"id{n}" for n in range(1200)), clock.now())
        outbox.mark_done(session, [row.seq for row in outbox.pending(session, 1100)], clock.now())
        outbox.forget_done(session, clock.now() + timedelta(seconds=1))
        assert outbox.lag(session) == 100
        assert outbox.enqueue(session, outbox.RECORD, [], clock.now()) == 0
