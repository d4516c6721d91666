"""Who of the workers lives: each beats in the ``heartbeat`` table, by the database's clock, the only one they share."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Float, literal_column, select
from sqlalchemy.orm import Session

from repository.db import Sessions
from repository.tables import Heartbeat

REMEMBERED = 86_400.0
"""Seconds that the row of a worker which died without a word stays."""


@dataclass(frozen=True, slots=True)
class WorkerRow:
    """A worker as its last beat told; ``age`` and ``up`` are seconds since that beat and since it began."""

    id: str
    host: str
    queues: tuple[str, ...]
    age: float
    up: float
    alive: bool


def database_seconds(session: Session) -> float:
    """Epoch seconds by the database's clock, the only clock that all workers share."""
    if session.get_bind().dialect.name == "sqlite":
        now = "(julianday('now') - 2440587.5) * 86400.0"
    else:
        now = "extract(epoch from clock_timestamp())"
    return float(session.execute(select(literal_column(now, Float))).scalar_one())


def living(sessions: Sessions, ttl: float) -> list[str]:
    """Executor ids of the workers that beat within ``ttl`` seconds."""
    with sessions() as session:
        since = database_seconds(session) - ttl
        return list(session.scalars(select(Heartbeat.executor_id).where(Heartbeat.seen >= since)))


def workers(session: Session, ttl: float) -> list[WorkerRow]:
    """Workers of the last day that did not stop in order, the one that beat last first."""
    now = database_seconds(session)
    rows = session.scalars(select(Heartbeat).order_by(Heartbeat.seen.desc(), Heartbeat.executor_id))
    return [
        WorkerRow(
            id=one.executor_id,
            host=one.host,
            queues=tuple(one.queues),
            age=max(0.0, now - one.seen),
            up=max(0.0, now - one.started),
            alive=now - one.seen <= ttl,
        )
        for one in rows
        if now - one.seen < REMEMBERED
    ]
