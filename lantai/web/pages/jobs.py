"""Jobs: what the workers do, wait for and failed at; stop, resume, retry; the workers themselves."""

from __future__ import annotations

from urllib.parse import quote

from fastapi import Response
from fastapi.responses import RedirectResponse

from lantai import i18n, steering
from lantai.part import Part
from lantai.web import views_jobs, views_system
from lantai.web.rendering import page, query
from lantai.web.visit import Form, SignedVisit, Visit
from metadata.rights import Permission

router = Part()
_PAGE = 50
_DONE = ("stopped", "resumed", "retried")


@router.get("/system/jobs")
def show(
    visit: SignedVisit, state: str = "", work: str = "", queue: str = "", clock: str = "", before: str = ""
) -> Response:
    """Jobs newest first, by state, kind and queue; the workers above them."""
    visit.require(Permission.STATUS_READ)
    wanted = views_jobs.asked(state=state, work=work, queue=queue, clock=clock == "1")
    given = {"state": wanted.state, "work": wanted.work, "queue": wanted.queue, "clock": "1" if clock == "1" else ""}
    with visit.reading() as session:
        found = views_jobs.listed(session, visit, wanted, before=before, limit=_PAGE + 1)
        workers = views_jobs.workers(session, visit)
    return page(
        visit,
        "system_jobs.html",
        room="system",
        tabs=views_system.tabs(visit),
        jobs=found[:_PAGE],
        workers=workers,
        asked=given,
        works=views_jobs.works(visit),
        queues=views_jobs.queues(visit),
        states=views_jobs.states(visit),
        first="/system/jobs" + query(given) if before else "",
        following="/system/jobs" + query(given, before=found[_PAGE - 1].key) if len(found) > _PAGE else "",
    )


@router.get("/system/jobs/{job_id}")
def show_one(visit: SignedVisit, job_id: str, done: str = "") -> Response:
    """One job: times, progress, what it waits for or failed at, its steps."""
    visit.require(Permission.STATUS_READ)
    with visit.reading() as session:
        one = views_jobs.one(session, visit, job_id)
    return page(
        visit,
        "system_job.html",
        room="system",
        tabs=views_system.tabs(visit),
        one=one,
        said=_said(visit, done) if done in _DONE else "",
    )


def _said(visit: Visit, done: str) -> str:
    _ = i18n.translations(visit.language).gettext
    return {
        "stopped": _("The job is stopped; a running one ends with the step in hand."),
        "resumed": _("The job waits for a worker and goes on after the last step that ended."),
        "retried": _("The job waits for a worker and goes on with the step that failed."),
    }[done]


@router.post("/system/jobs/{job_id}/stop")
def stop(visit: SignedVisit, job_id: str, _form: Form) -> Response:
    """Stop a job that waits or runs."""
    visit.require(Permission.JOB_CONTROL)
    with visit.writing() as session:
        steering.stop(session, visit.site, visit.person, job_id)
    return _back(job_id, "stopped")


@router.post("/system/jobs/{job_id}/resume")
def resume(visit: SignedVisit, job_id: str, _form: Form) -> Response:
    """Let a stopped job go on."""
    visit.require(Permission.JOB_CONTROL)
    with visit.writing() as session:
        steering.resume(session, visit.site, visit.person, job_id)
    return _back(job_id, "resumed")


@router.post("/system/jobs/{job_id}/retry")
def retry(visit: SignedVisit, job_id: str, _form: Form) -> Response:
    """Have a job that failed go on with the step that failed."""
    visit.require(Permission.JOB_CONTROL)
    with visit.writing() as session:
        steering.retry(session, visit.site, visit.person, job_id)
    return _back(job_id, "retried")


def _back(job_id: str, done: str) -> Response:
    return RedirectResponse(f"/system/jobs/{quote(job_id, safe='')}" + query({}, done=done), 303)
