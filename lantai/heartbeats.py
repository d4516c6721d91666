"""Who of the workers lives: each beats in the ``heartbeat`` table, by the database's clock, the only one they share."""

from __future__ import annotations

from sqlalchemy import Float, literal_column, select
from sqlalchemy.orm import Session

from repository.db import Sessions
from repository.tables import Heartbeat


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
