"""Holds come back from their newest revisions, and stay in force where their lifting was never sealed."""

from __future__ import annotations

from typing import Any

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from repository import entities
from repository.rebuild.people import newest_states
from repository.rebuild.report import RebuildReport
from repository.rebuild.sources import Sources
from repository.tables import Hold, HoldSubject, LedgerEntry

_BATCH = 1000
_LIFTING = {"lifted_by": None, "lifted_at": None, "lift_authority": "", "lift_reason": "", "lift_entry": None}


def restore_holds(session: Session, sources: Sources, report: RebuildReport) -> None:
    """Insert holds and what they name, after the ledger is back.

    A lifting that no sealed block holds never took effect: the hold stands as if it had not been lifted.
    """
    states = newest_states(sources, ("hold",), report)["hold"]
    for _, state in sorted(states.items(), key=lambda item: (str(item[1].get("placed_at")), item[0])):
        values: dict[str, Any] = {**entities.values(Hold, state), "revision": state["revision"]}
        entry = values.get("lift_entry")
        if entry and session.scalar(select(LedgerEntry.id).where(LedgerEntry.id == entry)) is None:
            values.update(_LIFTING)
        session.execute(insert(Hold).values(**values))
        subjects = [
            {"hold_id": values["id"], "kind": one["kind"], "subject_id": one["id"]} for one in state.get("subjects", [])
        ]
        for start in range(0, len(subjects), _BATCH):
            session.execute(insert(HoldSubject), subjects[start : start + _BATCH])
    report.counts["holds"] += len(states)
