"""Writing what a run found: checks appended, objects marked, incidents opened and closed, a batch in one transaction."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import cast

from sqlalchemy import Connection, Table, select, update
from sqlalchemy.orm import Session

from metadata.identifiers import new_id
from repository.archive import Archive
from repository.fixity.alarming import damage_found, damage_mended
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


_checks = cast("Table", FixityCheck.__table__)
_objects = cast("Table", ReplicaObject.__table__)
_KEYS_AT_ONCE = 500


def write_readings(
    session: Session,
    *,
    archive: Archive,
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
    by_outcome: dict[Outcome, list[Reading]] = {}
    for one in readings:
        if one.outcome is not None:
            by_outcome.setdefault(one.outcome, []).append(one)
    connection = session.connection()  # a row of an object costs more in the mapper than reading a small object does
    for outcome, found in by_outcome.items():
        run.objects += len(found)
        run.bytes_read += sum(one.size for one in found)
        run.count(outcome, len(found))
        _append_checks(connection, run.run_id, outcome, found, at)
        if outcome is not Outcome.NOT_CHECKED:
            _mark(connection, run.replica, outcome, found, at)
    mended = False
    for outcome, found in by_outcome.items():
        for one in found:
            subject = (run.replica, one.task.key)
            if outcome in FAULTS:
                results.note_fault(_open(session, at=at, actor=actor, reading=one))
                at_fault.add(subject)
            elif outcome is Outcome.NOT_CHECKED:
                results.note_fault(AuditResult(*subject, outcome, one.task.record_id, None, one.detail))
            elif subject in at_fault:
                _close(session, at=at, actor=actor, reading=one)
                at_fault.discard(subject)
                mended = True
    if FAULTS & by_outcome.keys():
        damage_found(session, archive=archive, replica=run.replica)
    elif mended:
        damage_mended(session, archive=archive, replica=run.replica)


def _append_checks(
    connection: Connection, run_id: str, outcome: Outcome, found: Sequence[Reading], at: datetime
) -> None:
    same = {"run_id": run_id or None, "replica": found[0].task.replica, "outcome": str(outcome), "checked_at": at}
    rows = [{**same, "key": one.task.key, "deep": one.task.deep} for one in found if not one.detail]
    told = [{**same, "key": one.task.key, "deep": one.task.deep, "detail": one.detail} for one in found if one.detail]
    for values in (rows, told):
        if values:
            connection.execute(_checks.insert(), values)


def _mark(connection: Connection, replica: str, outcome: Outcome, found: Sequence[Reading], at: datetime) -> None:
    mark = update(_objects).values(checked_at=at, outcome=str(outcome))
    if found[0].task.deep:
        mark = mark.values(deep_checked_at=at)
    for start in range(0, len(found), _KEYS_AT_ONCE):
        keys = [one.task.key for one in found[start : start + _KEYS_AT_ONCE]]
        connection.execute(mark.where(_objects.c.replica == replica, _objects.c.key.in_(keys)))


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
