"""Alarms come back with every step of their handling, as of their last step."""

from __future__ import annotations

from sqlalchemy import insert
from sqlalchemy.orm import Session

from repository import entities
from repository.alarms import ENTITY, open_as
from repository.rebuild.people import newest_states
from repository.rebuild.report import RebuildReport
from repository.rebuild.sources import Sources
from repository.tables import Alarm


def restore_alarms(session: Session, sources: Sources, report: RebuildReport) -> None:
    """Insert the alarms in the order in which they were raised.

    Of two open ones about one thing, which only stores that went apart can show, the newer stays the one that is added
    to; both wait for a person.
    """
    states = newest_states(sources, (ENTITY,), report)[ENTITY]
    taken: set[str] = set()
    rows = []
    for _, state in sorted(states.items(), key=lambda item: (str(item[1].get("raised_at")), item[0]), reverse=True):
        row = {**entities.values(Alarm, state), "revision": state["revision"]}
        kept_apart = open_as(row["kind"], row["subject"], row["state"])
        row["open_as"] = kept_apart if kept_apart not in taken else None
        taken.add(kept_apart or "")
        rows.append(row)
    for row in reversed(rows):
        session.execute(insert(Alarm).values(**row))
    report.counts["alarms"] += len(rows)
