"""What the ledger records of people who steer the workers and their jobs; ids and names of the work only."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from repository.ledger.acts import act
from repository.ledger.entry import ActorRef


def job_stopped(session: Session, *, at: datetime, actor: ActorRef, job_id: str, work: str) -> str:
    """A person stopped a job; it stays stopped until somebody resumes it."""
    return act(session, "job.stopped", at, actor, job_id=job_id, work=work)


def job_resumed(session: Session, *, at: datetime, actor: ActorRef, job_id: str, work: str) -> str:
    """A stopped job goes on from the step it stopped at."""
    return act(session, "job.resumed", at, actor, job_id=job_id, work=work)


def job_retried(session: Session, *, at: datetime, actor: ActorRef, job_id: str, work: str, step: int) -> str:
    """A job that failed goes on from ``step``, the number of the step that failed."""
    return act(session, "job.retried", at, actor, job_id=job_id, work=work, step=step)


def folder_taken(session: Session, *, at: datetime, actor: ActorRef, folder: str, before: str, mark: str) -> str:
    """A person had another ``folder`` (quarantine or derivatives) taken for the shared one; ``before`` and ``mark`` name both."""
    return act(session, "folder.taken", at, actor, folder=folder, before=before, mark=mark)
