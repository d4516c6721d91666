"""What a person decides about a submission: accept, return or withdraw it, let it go on after a fault."""

from __future__ import annotations

from collections import Counter
from typing import Any

from sqlalchemy import ColumnElement, delete, func, select
from sqlalchemy.orm import Session

from access.actors import Actor
from access.gate import allowed, require
from ingest import leaving_out
from ingest.endings import note_end
from ingest.findings import kind_of, sentence, told_to
from ingest.outcome import Severity
from ingest.submissions import read_submission
from metadata.errors import Conflict, Forbidden
from metadata.rights import Permission
from repository.archive import Archive
from repository.ledger import acts
from repository.tables import Finding as FindingRow
from repository.tables import Submission, SubmissionFile

_RESUMED_AT = {"examine": "examining", "accept": "examining", "package": "accepted"}


def findings_of(session: Session, submission_id: str, told: ColumnElement[bool] | None = None) -> list[FindingRow]:
    """Findings of the submission: errors, then warnings, then notices, each in the order found.

    ``told``: who asks (``ingest.findings.told_to``); without it what the depositor may be told.
    """
    rank = {severity.value: place for place, severity in enumerate(Severity)}
    may_know = told if told is not None else told_to("", may_accept=False)
    found = session.scalars(
        select(FindingRow).where(FindingRow.submission_id == submission_id, may_know).order_by(FindingRow.seq)
    ).all()
    return sorted(found, key=lambda one: rank[one.severity])


def accept(
    session: Session, *, archive: Archive, actor: Actor, submission_id: str, leave_out: bool = False
) -> Submission:
    """An archivist takes the deposit in; the caller enqueues it in the same transaction.

    With ``leave_out`` records that have errors stay out and the others go on, also of a deposit that was refused for
    these errors. ``Forbidden`` without the permission, ``Conflict`` when it does not wait or has errors that bar it.
    """
    require(actor, Permission.ACCEPT, archive.profile)
    submission = read_submission(session, submission_id, to_change=True)
    refused = submission.state == "rejected" and submission.step == "accept"
    if submission.state != "waiting" and not (refused and leave_out):
        raise _not_waiting(submission)
    if faulty := leaving_out.faulty(session, submission):
        if faulty.all_back or not leave_out:
            raise _has_errors(whole=faulty.all_back)
        leaving_out.leave_out(session, archive, submission, faulty)
    now = archive.clock.now()
    submission.state = "accepted"
    submission.step = "package"
    submission.updated_at = now
    ref = actor.ref
    submission.options = {
        **submission.options,
        "accepted_by": {"id": ref.id, "kind": ref.kind, "organ_id": ref.organ_id},
    }
    acts.submission_accepted(session, at=now, actor=ref, submission_id=submission_id, basis="person")
    return submission


def return_to_depositor(
    session: Session, *, archive: Archive, actor: Actor, submission_id: str, reason: str = ""
) -> dict[str, Any]:
    """Send the deposit back with one notice that lists everything missing or wrong; the notice.

    Nothing was stored; quarantine is kept. ``Conflict`` when the deposit was accepted or returned already.
    """
    require(actor, Permission.ACCEPT, archive.profile)
    submission = read_submission(session, submission_id, to_change=True)
    if submission.state not in {"waiting", "rejected"}:
        raise _not_waiting(submission)
    now = archive.clock.now()
    submission.state = "returned"
    submission.updated_at = now
    submission.options = {**submission.options, "return_reason": reason[:2000]}
    found = findings_of(session, submission_id)
    counted = Counter(one.code for one in found)
    acts.submission_returned(session, at=now, actor=actor.ref, submission_id=submission_id, findings=counted)
    note_end(session, archive, submission, actor.ref)
    return notice(session, submission_id)


def withdraw(session: Session, *, archive: Archive, actor: Actor, submission_id: str) -> Submission:
    """Give up a deposit whose sending never ended; nothing of it was examined or filed.

    Only the depositor or somebody who may accept. The caller removes the bytes with ``quarantine.remove`` once this is
    committed; ``releasing.release_quarantine`` does it for one that was stopped in between. ``Conflict`` after the sending.
    """
    submission = read_submission(session, submission_id, to_change=True)
    own = submission.actor_id == actor.ref.id and not actor.narrowed_from(Permission.DEPOSIT)
    if not own and not allowed(actor, Permission.ACCEPT, archive.profile):
        raise Forbidden(
            "submission.not_yours_to_withdraw",
            zh="只有移交人本人或档案员可以撤回这次移交。",
            en="Only the depositor or an archivist may withdraw this deposit.",
        )
    if submission.state != "receiving":
        raise Conflict(
            "submission.not_withdrawable",
            zh="这次移交已结束接收，不能再撤回。请由档案员退回。",
            en="The sending of this deposit has ended, so it cannot be withdrawn. An archivist can return it.",
            state=submission.state,
        )
    mine = SubmissionFile.submission_id == submission_id
    arrived = (mine, SubmissionFile.role != "arriving")
    files, size = session.execute(
        select(func.count(), func.coalesce(func.sum(SubmissionFile.size), 0)).where(*arrived)
    ).one()
    now = archive.clock.now()
    submission.state = "withdrawn"
    submission.step = ""
    submission.counts = {**(submission.counts or {}), "files": files, "bytes": int(size)}
    submission.updated_at = now
    session.execute(delete(SubmissionFile).where(mine))
    acts.submission_withdrawn(session, at=now, actor=actor.ref, submission_id=submission_id, files=files)
    note_end(session, archive, submission, actor.ref)
    return submission


def notice(session: Session, submission_id: str) -> dict[str, Any]:
    """The notice of a return (补正通知): every finding with its sentence and what to do next, in both languages."""
    submission = read_submission(session, submission_id)
    return {
        "submission_id": submission.id,
        "title": submission.title,
        "reason": submission.options.get("return_reason", ""),
        "left_out": leaving_out.paths_left_out(session, submission),
        "findings": [
            {
                "code": one.code,
                "severity": one.severity,
                "path": one.path,
                "clause": kind_of(one.code).clause,
                "zh": sentence(one, "zh", advice=True),
                "en": sentence(one, "en", advice=True),
            }
            for one in findings_of(session, submission_id)
        ],
    }


def resume(session: Session, *, archive: Archive, actor: Actor, submission_id: str) -> Submission:
    """Let a submission that was set aside go on from the step where it stopped; the caller enqueues it."""
    require(actor, Permission.ACCEPT, archive.profile)
    submission = read_submission(session, submission_id, to_change=True)
    if submission.state != "failed":
        raise Conflict(
            "submission.not_failed",
            zh="这次移交没有中断，无需继续。",
            en="This deposit was not set aside; there is nothing to resume.",
        )
    let_go_on(session, archive, submission)
    return submission


def let_go_on(session: Session, archive: Archive, submission: Submission) -> None:
    """Take a submission that was set aside back to its step; who may, the caller has asked.

    ``Conflict`` (``submission.rows_lost``) when the list of its files is gone.
    """
    rows = select(SubmissionFile.seq).where(SubmissionFile.submission_id == submission.id).limit(1)
    if session.scalar(rows) is None:
        raise Conflict(
            "submission.rows_lost",
            zh="这次移交的文件清单已不在数据库中（目录库重建过），不能继续。文件仍在隔离区，请从隔离区重新移交。",
            en="The list of this deposit's files is no longer in the database (it was rebuilt), so it cannot go on. Its bytes are still in quarantine: deposit them again from there.",
        )
    submission.state = _RESUMED_AT.get(submission.step, "storing")
    submission.attempts = 0
    submission.error = None
    submission.counts = {**submission.counts, "starts": 0}
    submission.updated_at = archive.clock.now()


def _has_errors(*, whole: bool) -> Conflict:
    if whole:
        return Conflict(
            "submission.has_errors",
            zh="这次移交有错误，不能接收。请退回移交单位更正。",
            en="This deposit has errors and cannot be accepted. Return it to the depositor.",
        )
    return Conflict(
        "submission.has_faulty_records",
        zh="这次移交中有几件有错误。可选择“其余各件先入库”，或退回移交单位更正。",
        en="Some records of this deposit have errors. Accept the others without them, or return it to the depositor.",
    )


def _not_waiting(submission: Submission) -> Conflict:
    return Conflict(
        "submission.not_waiting",
        zh="这次移交不在等待决定的状态，可能已被他人处理。请刷新页面。",
        en="This deposit does not wait for a decision; somebody may have decided already. Reload the page.",
        state=submission.state,
    )
