"""What an operator does to a job: stop, resume, retry. Pages, API and console share it.

Each is one transaction with its entry in the ledger. A running job ends at the border of its next step, some seconds
later; every step can be repeated, so that nothing is left half done.
"""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from access.actors import Actor
from access.gate import require
from ingest.decisions import let_go_on
from ingest.endings import describe
from lantai import care
from lantai.job_notes import put
from lantai.job_rows import JobRow
from lantai.jobs import Queue, submission_of
from lantai.site import Site
from metadata.errors import Conflict, NotFound, Unavailable
from metadata.rights import Permission
from repository.ledger import job_acts
from repository.tables import Submission


def found(session: Session, site: Site, job_id: str) -> JobRow:
    """The job, or ``NotFound`` (``job.not_found``)."""
    row = site.jobs.rows.one(session, job_id)
    if row is None:
        raise NotFound(
            "job.not_found",
            zh="没有这项作业；结束很久的作业已经清除。请回到作业列表。",
            en="There is no such job; those that ended long ago were cleared away. Go back to the list of jobs.",
        )
    return row


def stop(session: Session, site: Site, actor: Actor, job_id: str) -> None:
    """Stop a job that waits or runs. ``Conflict`` (``job.ended``) when it has ended."""
    row = _to_steer(session, site, actor, job_id)
    put(session, job_id, queue=_queue(row))
    if not site.jobs.rows.stop(session, job_id):
        raise Conflict(
            "job.ended",
            zh="这项作业已经结束，不能停止。请刷新页面查看它的状态。",
            en="This job has ended and cannot be stopped. Reload the page to see its state.",
        )
    submission = _submission(session, job_id)
    if submission is not None and submission.state in care.MOVING:
        submission.error = describe(_stopped(), submission.step)
    now = site.archive.clock.now()
    job_acts.job_stopped(session, at=now, actor=actor.ref, job_id=job_id, work=row.work)


def resume(session: Session, site: Site, actor: Actor, job_id: str) -> None:
    """Let a stopped job go on after the last step that ended. ``Conflict`` (``job.not_stopped``) when it is not stopped."""
    row = _to_steer(session, site, actor, job_id)
    _alone(session, site, row)
    if not site.jobs.rows.go_on(session, job_id, _queue(row)):
        raise Conflict(
            "job.not_stopped",
            zh="这项作业没有停止，无需继续。请刷新页面查看它的状态。",
            en="This job is not stopped; there is nothing to resume. Reload the page to see its state.",
        )
    submission = _submission(session, job_id)
    if submission is not None and submission.state in care.MOVING:
        submission.error = None
    now = site.archive.clock.now()
    job_acts.job_resumed(session, at=now, actor=actor.ref, job_id=job_id, work=row.work)


def retry(session: Session, site: Site, actor: Actor, job_id: str) -> None:
    """Have a job that failed go on with the step that failed.

    ``Conflict``: ``job.not_failed``, or ``job.superseded`` when its deposit goes on, or has gone on, by another job.
    """
    row = _to_steer(session, site, actor, job_id)
    if row.state != "failed":
        raise Conflict(
            "job.not_failed",
            zh="这项作业没有失败，无需重试。请刷新页面查看它的状态。",
            en="This job has not failed; there is nothing to retry. Reload the page to see its state.",
        )
    _alone(session, site, row)
    submission = _submission(session, job_id)
    if submission is not None and submission.state == "failed":
        let_go_on(session, site.archive, submission)
    elif submission_of(job_id) and (submission is None or submission.state not in care.MOVING):
        raise _superseded()
    step = max(1, site.jobs.rows.last_step(session, job_id))
    put(session, job_id, cause=None, waits=None)
    if not site.jobs.rows.go_back(session, job_id, _queue(row), step):
        raise _superseded()
    now = site.archive.clock.now()
    job_acts.job_retried(session, at=now, actor=actor.ref, job_id=job_id, work=row.work, step=step)


def _to_steer(session: Session, site: Site, actor: Actor, job_id: str) -> JobRow:
    require(actor, Permission.JOB_CONTROL, site.archive.profile)
    return found(session, site, job_id)


def _queue(row: JobRow) -> str:
    """Where the job waits; a stopped one of the clock's keeps no queue of its own."""
    if row.queue:
        return row.queue
    return care.queue_of(row.schedule).value if row.schedule else Queue.CARE.value


def _submission(session: Session, job_id: str) -> Submission | None:
    submission_id = submission_of(job_id)
    return session.scalars(select(Submission).where(Submission.id == submission_id)).first() if submission_id else None


def _alone(session: Session, site: Site, row: JobRow) -> None:
    """``Conflict`` when another job carries the same deposit."""
    submission_id = submission_of(row.id)
    if submission_id:
        others = site.jobs.rows.statuses(session, row.id[: row.id.index(submission_id) + len(submission_id)])
        if any(status in {"ENQUEUED", "DELAYED", "PENDING"} for one, status in others.items() if one != row.id):
            raise _superseded()


def _superseded() -> Conflict:
    return Conflict(
        "job.superseded",
        zh="同一次移交已由另一项作业继续或已经结束，这项作业不再需要。",
        en="Another job carries the same deposit on, or it has ended; this job is not needed any more.",
    )


def _stopped() -> Unavailable:
    return Unavailable(
        "job.stopped",
        zh="系统管理员停止了处理这次移交的作业，已接收的内容没有丢失。可在“系统—作业”中继续。",
        en="The system administrator stopped the job of this deposit; nothing received was lost. It goes on when the job is resumed in System, Jobs.",
    )
