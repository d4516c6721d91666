"""How a submission ends for now: done, rejected, returned, withdrawn, failed. Its state is frozen as an entity revision."""

from __future__ import annotations

from typing import Any

from sqlalchemy.orm import Session

from metadata.errors import LantaiError
from repository.archive import Archive
from repository.entities import submission_state
from repository.ledger import acts
from repository.ledger.acts import ActorRef
from repository.revisions import revise_entity
from repository.tables import Submission


def actor_of(submission: Submission) -> ActorRef:
    """Who answers for what the pipeline does: who accepted the submission, else who deposited it."""
    told: dict[str, Any] = submission.options.get("accepted_by") or submission.options["actor"]
    return ActorRef(**told)


def note_end(session: Session, archive: Archive, submission: Submission, actor: ActorRef | None = None) -> None:
    """Freeze the submission's state, so that it survives the database."""
    session.flush()
    submission.revision = revise_entity(
        session,
        archive=archive,
        actor=actor or actor_of(submission),
        kind="submission",
        entity_id=submission.id,
        state=submission_state(submission),
        after=submission.revision,
    )


def set_aside(session: Session, archive: Archive, submission: Submission, error: LantaiError) -> None:
    """A step was tried in vain too often: the submission waits with a clear error until somebody resumes it."""
    now = archive.clock.now()
    submission.state = "failed"
    submission.updated_at = now
    submission.error = describe(error, submission.step)
    acts.submission_failed(session, at=now, actor=actor_of(submission), submission_id=submission.id, code=error.code)
    note_end(session, archive, submission)


def describe(error: LantaiError, step: str) -> dict[str, Any]:
    """``error`` as the submission's row keeps it; ``store``: the replica that it speaks of, if it is one's fault."""
    told = {"code": error.code, "zh": error.zh, "en": error.en, "step": step}
    return told | {"store": str(error.params["store"])} if "store" in error.params else told
