"""Letting go of quarantine: bytes that are safe on every required replica, or that nobody keeps."""

from __future__ import annotations

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from ingest import leaving_out, quarantine
from ingest.submissions import RELEASED
from repository.archive import Archive
from repository.objects import counting
from repository.tables import RecordPlan, ReplicaObject, StoredObject, Submission


def release_quarantine(archive: Archive) -> int:
    """Remove the bytes of submissions whose every bag was re-read intact on every required replica; how many.

    And of withdrawn ones, whose bytes nobody keeps. What was left out of a submission stays in quarantine.
    """
    with archive.reading() as session:
        given_up = select(Submission.id).where(Submission.state == "withdrawn", Submission.step != RELEASED)
        done = select(Submission.id).where(Submission.state == "done", Submission.step == "done")
        ready = [
            one for one in session.scalars(done.order_by(Submission.seq).limit(200)) if _audited(session, archive, one)
        ]
        ready += session.scalars(given_up.order_by(Submission.seq).limit(200))
        partly = leaving_out.partly(session, ready)
    for submission_id in ready:
        if submission_id in partly:
            leaving_out.release_stored(archive, submission_id)
        else:
            quarantine.remove(quarantine.folder(archive.quarantine, submission_id))
        with archive.sessions.begin() as session:
            session.execute(update(Submission).where(Submission.id == submission_id).values(step=RELEASED))
    return len(ready)


def _audited(session: Session, archive: Archive, submission_id: str) -> bool:
    replicas = counting(session, archive.replicas)
    bags = (
        select(func.count())
        .select_from(RecordPlan)
        .join(StoredObject, StoredObject.record_id == RecordPlan.record_id)
        .join(ReplicaObject, ReplicaObject.key == StoredObject.key)
        .where(
            RecordPlan.submission_id == submission_id,
            StoredObject.kind == "bag",
            ReplicaObject.replica.in_(sorted(replicas)),
            ReplicaObject.outcome == "intact",
        )
    )
    wanted_checks = leaving_out.records_going_on(session, submission_id) * len(replicas)
    return bool(replicas) and (session.scalar(bags) or 0) >= wanted_checks
