"""Decisions of a person about a deposit, shared by pages and API: accept, return, withdraw."""

from __future__ import annotations

from ingest import decisions, quarantine
from lantai.web import views_submissions
from lantai.web.visit import Visit
from metadata.identifiers import new_id
from metadata.rights import Permission


def accept(visit: Visit, submission_id: str, *, leave_out: bool = False) -> None:
    """Accept a deposit that waits; the workers carry it on. ``Conflict`` when it does not wait any more.

    ``leave_out``: without its faulty records, also when it was refused for them.
    """
    visit.require(Permission.ACCEPT)
    with visit.writing() as session:
        submission = views_submissions.get(session, visit, submission_id)
        views_submissions.require_decider(visit, session, submission)
        decisions.accept(
            session, archive=visit.site.archive, actor=visit.person, submission_id=submission_id, leave_out=leave_out
        )
        visit.site.jobs.enqueue_ingest(session, submission_id, turn=f"-{new_id()[:8]}")


def give_back(visit: Visit, submission_id: str, reason: str) -> None:
    """Return a deposit that waits to its depositor. ``Conflict`` when it does not wait any more."""
    visit.require(Permission.ACCEPT)
    with visit.writing() as session:
        submission = views_submissions.get(session, visit, submission_id)
        views_submissions.require_decider(visit, session, submission)
        decisions.return_to_depositor(
            session, archive=visit.site.archive, actor=visit.person, submission_id=submission_id, reason=reason
        )


def withdraw(visit: Visit, submission_id: str) -> None:
    """Give up a deposit whose sending never ended: her own, or one that she might decide about.

    The bytes go once the decision stands; quarantine is swept of them again every hour.
    """
    with visit.writing() as session:
        submission = views_submissions.get(session, visit, submission_id)
        decisions.withdraw(session, archive=visit.site.archive, actor=visit.person, submission_id=submission.id)
    quarantine.remove(quarantine.folder(visit.site.archive.quarantine, submission_id))


def resume(visit: Visit, submission_id: str) -> None:
    """Let a deposit that was set aside go on from where it stopped."""
    visit.require(Permission.ACCEPT)
    with visit.writing() as session:
        submission = views_submissions.get(session, visit, submission_id)
        views_submissions.require_decider(visit, session, submission)
        decisions.resume(session, archive=visit.site.archive, actor=visit.person, submission_id=submission_id)
        visit.site.jobs.enqueue_ingest(session, submission_id, turn=f"-{new_id()[:8]}")
