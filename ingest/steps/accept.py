"""Accept: errors bar it; with the option ``accept`` the rest goes on by itself; else a person decides."""

from __future__ import annotations

from sqlalchemy import func, select

from ingest.context import Context
from ingest.endings import note_end
from ingest.outcome import PASSED, WAITING, Severity, StepOutcome, rejected
from repository.ledger import acts
from repository.ledger.acts import ActorRef
from repository.tables import Finding as FindingRow
from repository.tables import Submission


def run(context: Context, submission_id: str) -> StepOutcome:
    """Decide in one transaction."""
    archive = context.archive
    with archive.sessions.begin() as session:
        submission = session.scalars(select(Submission).where(Submission.id == submission_id)).one()
        errors = session.scalar(
            select(func.count())
            .select_from(FindingRow)
            .where(FindingRow.submission_id == submission_id, FindingRow.severity == Severity.ERROR.value)
        )
        now = archive.clock.now()
        submission.updated_at = now
        if errors:
            submission.state = "rejected"
            note_end(session, archive, submission)
            return rejected("submission.rejected")
        if not submission.options.get("accept"):
            submission.state = "waiting"
            return WAITING
        actor = ActorRef(**submission.options["actor"])
        submission.state = "accepted"
        submission.step = "package"
        submission.options = {**submission.options, "accepted_by": submission.options["actor"]}
        acts.submission_accepted(session, at=now, actor=actor, submission_id=submission_id, basis="agreement")
        return PASSED
