"""Accept: errors bar it, or only the records that have them; with the option ``accept`` the rest goes on by itself."""

from __future__ import annotations

from sqlalchemy import select

from ingest import leaving_out
from ingest.context import Context
from ingest.endings import note_end
from ingest.outcome import PASSED, WAITING, StepOutcome, rejected
from repository.ledger import acts
from repository.ledger.acts import ActorRef
from repository.tables import Submission


def run(context: Context, submission_id: str) -> StepOutcome:
    """Decide in one transaction. With the option ``leave_out`` faulty records stay out and the others go on."""
    archive = context.archive
    with context.writing(submission_id) as session:
        submission = session.scalars(select(Submission).where(Submission.id == submission_id)).one()
        now = archive.clock.now()
        submission.updated_at = now
        if faulty := leaving_out.faulty(session, submission):
            if faulty.all_back or not submission.options.get("leave_out"):
                submission.state = "rejected"
                note_end(session, archive, submission)
                return rejected("submission.rejected")
            leaving_out.leave_out(session, archive, submission, faulty)
        if not submission.options.get("accept"):
            submission.state = "waiting"
            return WAITING
        actor = ActorRef(**submission.options["actor"])
        submission.state = "accepted"
        submission.step = "package"
        submission.options = {**submission.options, "accepted_by": submission.options["actor"]}
        acts.submission_accepted(session, at=now, actor=actor, submission_id=submission_id, basis="agreement")
        return PASSED
