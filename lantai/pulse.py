"""The pulse of one worker: its heartbeat, and the sweep for peers that stopped beating.

The job engine never takes over a dead worker's work by itself, so each worker beats in the ``heartbeat`` table and every
worker sweeps for owners that stopped beating. The time-to-live must exceed the longest pause of a process; too short
costs only repeated steps, since every step is idempotent and the engine lets one owner alone record it.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass

from dbos import DBOS
from sqlalchemy import delete

from lantai.heartbeats import REMEMBERED, database_seconds, living
from lantai.site import Site
from repository.tables import Heartbeat

log = logging.getLogger("lantai.worker")


@dataclass
class Pulse:
    """One worker's heartbeat and its sweep for dead peers."""

    site: Site
    executor_id: str
    host: str
    queues: Sequence[str]

    def beat(self) -> None:
        """Say that this worker lives."""
        with self.site.archive.sessions.begin() as session:
            now = database_seconds(session)
            row = session.get(Heartbeat, self.executor_id)
            if row is None:
                row = Heartbeat(executor_id=self.executor_id, seen=now, started=now)
                row.host, row.queues = self.host, list(self.queues)
                session.add(row)
            else:
                row.seen = now

    def sweep(self) -> None:
        """Take over unfinished work of owners that no longer beat."""
        self.beat()
        rows = DBOS.list_workflows(status="PENDING", load_input=False, load_output=False)
        owners = {row.executor_id for row in rows if row.executor_id}  # before reading who lives, in this order
        dead = sorted(owners - set(living(self.site.archive.sessions, self.site.settings.worker_ttl_seconds)))
        if dead:
            log.warning("taking over the work of %d worker(s) that stopped", len(dead))
            DBOS._recover_pending_workflows(dead)  # noqa: SLF001  no public call does this; DBOS is pinned

    def rest(self) -> None:
        """Take this worker's row away on an orderly stop."""
        with self.site.archive.sessions.begin() as session:
            session.execute(delete(Heartbeat).where(Heartbeat.executor_id == self.executor_id))
            old = database_seconds(session) - REMEMBERED
            session.execute(delete(Heartbeat).where(Heartbeat.seen < old))
