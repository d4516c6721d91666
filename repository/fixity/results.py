"""Writing what a run found: checks appended, objects marked, incidents opened and closed, a batch in one transaction."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import bindparam, insert, select, update
from sqlalchemy.orm import Session

from metadata.identifiers import new_id
from repository.archive import Archive
from repository.fixity.incidents import UNCHANGED, close_incidents, open_incident
from repository.fixity.outcome import FAULTS, AuditResult, AuditResults, Outcome, Run
from repository.fixity.reading import Reading
from repository.ledger import acts
from repository.ledger.acts import ActorRef
from repository.tables import AuditRun, FixityCheck, Incident, ReplicaObject


def begin_run(session: Session, *, at: datetime, actor: ActorRef, replica: str, kind: str) -> Run:
    """Enter a run that has just begun."""
    run = Run(run_id=new_id(), replica=replica, kind=kind)
    session.add(AuditRun(id=run.run_id, kind=kind, replica=replica, started_at=at, outcomes={}, actor=actor.id))
    return run


def finish_run(session: Session, *, at: datetime, actor: ActorRef, run: Run) -> None:
    """Close a run with its totals, in the ledger too."""
    save_totals(session, run, finished_at=at)
    acts.fixity_run_finished(
        session,
        at=at,
        actor=actor,
        run_id=run.run_id,
        kind=run.kind,
        replica=run.replica,
        objects=run.objects,
        outcomes=run.outcomes,
    )


def save_totals(session: Session, run: Run, *, finished_at: datetime | None = None) -> None:
    """Write how far a run has come."""
    session.execute(
        update(AuditRun)
        .where(AuditRun.id == run.run_id)
        .values(
            objects=run.objects,
            bytes_read=run.bytes_read,
            outcomes=dict(run.outcomes),
            finished_at=finished_at,
        )
    )


def objects_at_fault(archive: Archive) -> set[tuple[str, str]]:
    """Replica and key of every open incident."""
    with archive.reading() as session:
        rows = session.execute(select(Incident.replica, Incident.key).where(Incident.state == "open")).all()
    return {(row.replica, row.key) for row in rows}


_mark_checked = (
    update(ReplicaObject.__table__)  # type: ignore[arg-type]  # declared as FromClause, is a Table
    .where(
        ReplicaObject.__table__.c.replica == bindparam("of_replica"),
        ReplicaObject.__table__.c.key == bindparam("of_key"),
    )
    .values(checked_at=bindparam("at"), outcome=bindparam("found"))
)
_mark_deep = _mark_checked.values(deep_checked_at=bindparam("at"))


def write_readings(
    session: Session,
    *,
    at: datetime,
    actor: ActorRef,
    run: Run,
    readings: Sequence[Reading],
    results: AuditResults,
    at_fault: set[tuple[str, str]],
) -> None:
    """Append one check a reading, mark the objects, open an incident a fault, close those of objects found intact.

    An object that could not be checked keeps its last check, so that it comes up again first.
    """
    readings = [one for one in readings if one.outcome is not None]
    if not readings:
        return
    session.execute(
        insert(FixityCheck),
        [
            {
                "run_id": run.run_id,
                "replica": one.task.replica,
                "key": one.task.key,
                "outcome": str(one.outcome),
                "deep": one.task.deep,
                "checked_at": at,
                "detail": one.detail or None,
            }
            for one in readings
        ],
    )
    marks = [
        {"of_replica": one.task.replica, "of_key": one.task.key, "at": at, "found": str(one.outcome)}
        for one in readings
        if one.outcome is not Outcome.NOT_CHECKED
    ]
    if marks:
        session.connection().execute(_mark_deep if readings[0].task.deep else _mark_checked, marks)
    for one in readings:
        run.objects += 1
        run.bytes_read += one.size
        run.count(str(one.outcome))
        if one.outcome in FAULTS:
            results.note_fault(_open(session, at=at, actor=actor, reading=one))
            at_fault.add((one.task.replica, one.task.key))
        elif one.outcome is Outcome.NOT_CHECKED:
            results.note_fault(
                AuditResult(one.task.replica, one.task.key, one.outcome, one.task.record_id, None, one.detail)
            )
        elif one.outcome is Outcome.INTACT and (one.task.replica, one.task.key) in at_fault:
            _close(session, at=at, actor=actor, reading=one)
            at_fault.discard((one.task.replica, one.task.key))


def _open(session: Session, *, at: datetime, actor: ActorRef, reading: Reading) -> AuditResult:
    assert reading.outcome is not None
    task = reading.task
    incident_id = open_incident(
        session,
        at=at,
        actor=actor,
        replica=task.replica,
        key=task.key,
        fault=reading.outcome,
        record_id=task.record_id,
        detail=reading.detail,
    )
    return AuditResult(task.replica, task.key, reading.outcome, task.record_id, incident_id, reading.detail)


def _close(session: Session, *, at: datetime, actor: ActorRef, reading: Reading) -> None:
    task = reading.task
    close_incidents(
        session, at=at, actor=actor, replica=task.replica, key=task.key, sha256=task.sha256, source=UNCHANGED
    )
