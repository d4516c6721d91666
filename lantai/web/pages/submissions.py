"""Deposits: the lists, one deposit with its findings, and the two decisions of an archivist."""

from __future__ import annotations

from typing import Any

from fastapi import Response
from fastapi.responses import RedirectResponse
from sqlalchemy.orm import Session

from access import gate
from lantai import i18n
from lantai.part import Part
from lantai.web import deciding, views_history, views_left_out, views_records, views_submissions
from lantai.web.rendering import page, query
from lantai.web.visit import Form, SignedVisit, Visit
from metadata.rights import Permission

router = Part()
_PAGE = 50
_RECORDS = 20


@router.get("/submissions")
def show_list(visit: SignedVisit, state: str = "all", before: int = 0) -> Response:
    """Deposits, newest first, by group of states."""
    _ = i18n.translations(visit.language).gettext
    _see(visit)
    group = state if state in views_submissions.GROUPS else "all"
    with visit.reading() as session:
        found = views_submissions.listed(session, visit, group=group, before=before or None, limit=_PAGE + 1)
    names = {
        "all": _("All"),
        "waiting": _("To decide"),
        "running": _("Under way"),
        "back": _("Came back"),
        "done": _("In the holdings"),
    }
    shown = found[:_PAGE]
    return page(
        visit,
        "submissions.html",
        room="deposit",
        submissions=shown,
        tabs=[
            (words, "/submissions" + query({}, state="" if code == "all" else code), code == group)
            for code, words in names.items()
        ],
        first="/submissions" + query({}, state=group) if before else "",
        following="/submissions" + query({}, state=group, before=shown[-1].seq) if len(found) > _PAGE else "",
    )


def _see(visit: Visit) -> None:
    if not visit.may(Permission.ACCEPT):
        visit.require(Permission.DEPOSIT)


@router.get("/submissions/{submission_id}")
def show(visit: SignedVisit, submission_id: str) -> Response:
    """One deposit: state, findings, files, records, what happened."""
    _see(visit)
    with visit.reading() as session:
        submission = views_submissions.get(session, visit, submission_id)
        one = views_submissions.rows(session, visit, [submission])[0]
        listed = _records(visit, session, submission_id)
        context: dict[str, Any] = {
            "one": one,
            "running": one.state in views_submissions.RUNNING,
            "groups": views_submissions.findings(session, visit, submission_id),
            "looked": views_submissions.looked_into(session, submission) if one.state == "examining" else None,
            "files": views_submissions.files(session, visit, submission_id),
            "records": listed[:_RECORDS],
            "timeline": views_history.timeline(session, visit, submission_id=submission_id),
            "decides": views_submissions.may_decide(visit, session, submission),
            "mine": submission.actor_id == visit.person.id,
            "programme": str(submission.options.get("programme") or ""),
            "document_type": str(submission.options.get("document_type") or ""),
            "withdraws": views_submissions.may_withdraw(visit, session, submission),
            "arrived": views_submissions.arrived(session, submission_id),
            "return_reason": str(submission.options.get("return_reason") or ""),
            "left": views_left_out.left_out(session, visit, submission),
            "partly": views_left_out.partly(session, submission),
        }
        going = views_left_out.files_going_on(session, submission_id)
    translated = i18n.translations(visit.language)
    accept, back = (
        translated.ngettext(
            "%(num)d file becomes part of the holdings.", "%(num)d files become part of the holdings.", going
        ),
        translated.ngettext(
            "%(num)d file goes back; nothing is filed.", "%(num)d files go back; nothing is filed.", one.files
        ),
    )
    drop = translated.ngettext(
        "%(num)d file has arrived; it is removed and nothing is filed.",
        "%(num)d files have arrived; they are removed and nothing is filed.",
        context["arrived"],
    )
    return page(
        visit,
        "submission.html",
        room="deposit",
        more_records=len(listed) > _RECORDS,
        more_files=one.files > views_submissions.FILES_SHOWN,
        going=going,
        accept_question=accept % {"num": going},
        withdraw_question=drop % {"num": context["arrived"]},
        return_question=back % {"num": one.files},
        **context,
    )


def _records(visit: Visit, session: Session, submission_id: str) -> list[views_records.RecordRow]:
    if not visit.may(Permission.RECORD_LIST):
        return []
    found = gate.list_records(
        session,
        visit.person,
        visit.site.archive.profile,
        submission_id=submission_id,
        limit=_RECORDS + 1,
    )
    return views_records.rows(session, visit, found)


@router.get("/submissions/{submission_id}/progress")
def progress(visit: SignedVisit, submission_id: str) -> Response:
    """The part of the page that changes while work goes on; scripts fetch it, a plain refresh does without."""
    _see(visit)
    with visit.reading() as session:
        submission = views_submissions.get(session, visit, submission_id)
        one = views_submissions.rows(session, visit, [submission])[0]
        groups = views_submissions.findings(session, visit, submission_id)
        looked = views_submissions.looked_into(session, submission) if one.state == "examining" else None
    running = one.state in views_submissions.RUNNING
    return page(visit, "submission_progress.html", one=one, running=running, groups=groups, looked=looked)


@router.post("/submissions/{submission_id}/accept")
def accept(visit: SignedVisit, submission_id: str, form: Form) -> Response:
    """Accept a deposit, with the field ``leave_out`` without its faulty records; the workers carry it on."""
    deciding.accept(visit, submission_id, leave_out=bool(form.text("leave_out")))
    return RedirectResponse(f"/submissions/{submission_id}", 303)


@router.post("/submissions/{submission_id}/return")
def give_back(visit: SignedVisit, submission_id: str, form: Form) -> Response:
    """Return a deposit with one notice of everything that was found."""
    deciding.give_back(visit, submission_id, form.text("reason"))
    return RedirectResponse(f"/submissions/{submission_id}", 303)


@router.post("/submissions/{submission_id}/withdraw")
def withdraw(visit: SignedVisit, submission_id: str, form: Form) -> Response:
    """Give up a deposit whose sending never ended."""
    del form
    deciding.withdraw(visit, submission_id)
    return RedirectResponse(f"/submissions/{submission_id}", 303)


@router.post("/submissions/{submission_id}/resume")
def resume(visit: SignedVisit, submission_id: str, form: Form) -> Response:
    """Let a deposit that was set aside go on."""
    del form
    deciding.resume(visit, submission_id)
    return RedirectResponse(f"/submissions/{submission_id}", 303)
