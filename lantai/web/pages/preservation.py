"""Preservation: is everything still there and unchanged, what was found, what was done; audit and repair by button."""

from __future__ import annotations

from collections.abc import Sequence

from fastapi import Response
from fastapi.responses import RedirectResponse

from lantai import i18n
from lantai.part import Part
from lantai.web import views_figures, views_preservation
from lantai.web.rendering import page, query
from lantai.web.views_preservation import ReplicaLine
from lantai.web.visit import Form, SignedVisit, Visit
from metadata.identifiers import new_id
from metadata.rights import Permission

router = Part()


@router.get("/preservation")
def show(visit: SignedVisit, asked: str = "", since: float = 0.0) -> Response:
    """The sentence, the replicas, incidents and audits; ``since`` is when the act just ``asked`` for was asked for."""
    visit.require(Permission.FIXITY_READ)
    translated = i18n.translations(visit.language)
    with visit.reading() as session:
        replicas = views_preservation.replicas(session, visit)
        incidents = views_preservation.incidents(session, visit)
        open_incidents = views_preservation.open_count(session)
        runs = views_preservation.runs(session)
        answer = views_preservation.answer(visit, replicas, views_preservation.files_kept(session))
        calendar = views_preservation.calendar(session, visit)
        re_read = views_figures.re_read(session, visit)
    question = translated.ngettext(
        "%(num)d object is written again from a replica that matches the recorded digest; the damaged bytes are kept as evidence.",
        "%(num)d objects are written again from a replica that matches the recorded digest; the damaged bytes are kept as evidence.",
        open_incidents,
    )
    return page(
        visit,
        "preservation.html",
        room="preservation",
        answer=answer,
        replicas=replicas,
        incidents=incidents,
        open_incidents=open_incidents,
        runs=runs,
        calendar=calendar,
        re_read=re_read,
        repair_question=question % {"num": open_incidents},
        said=_said(visit, asked, since, replicas, open_incidents),
    )


def _said(visit: Visit, asked: str, since: float, replicas: Sequence[ReplicaLine], open_incidents: int) -> str:
    """What became of the act just asked for."""
    _ = i18n.translations(visit.language).gettext
    if asked == "audit":
        if all(one.last_audit and one.last_audit.timestamp() >= since for one in replicas):
            return _("The re-reading has ended.")
        return _("Every object on every replica is being re-read; reload this page to see how far it is.")
    if asked == "repair" and open_incidents:
        return _("The repair has begun; reload this page to see what was done.")
    return ""


@router.get("/preservation/incidents/{incident_id}")
def show_incident(visit: SignedVisit, incident_id: str, asked: str = "") -> Response:
    """One incident: what happened, what was done."""
    visit.require(Permission.FIXITY_READ)
    _ = i18n.translations(visit.language).gettext
    with visit.reading() as session:
        one = views_preservation.incident(session, visit, incident_id)
    begun = asked == "repair" and one.state == "open"
    said = _("The repair has begun; reload this page to see what was done.") if begun else ""
    return page(visit, "incident.html", room="preservation", one=one, said=said)


def begin_audit(visit: Visit, *, deep: bool = False) -> str:
    """Have everything re-read by a worker; the job's id."""
    visit.require(Permission.FIXITY_RUN)
    with visit.writing() as session:
        return visit.site.jobs.enqueue_audit(session, new_id(), actor_id=visit.person.id, deep=deep)


def begin_repair(visit: Visit, incident_ids: Sequence[str] | None = None) -> str:
    """Have the incidents named, or every open one, mended as far as there is a good copy; the job's id."""
    visit.require(Permission.REPAIR)
    with visit.writing() as session:
        for incident_id in incident_ids or ():
            views_preservation.incident(session, visit, incident_id)  # NotFound before anything is begun
        return visit.site.jobs.enqueue_repair(session, new_id(), actor_id=visit.person.id, incident_ids=incident_ids)


@router.post("/preservation/audit")
def run_audit(visit: SignedVisit, form: Form) -> Response:
    """Re-read everything now."""
    since = visit.site.archive.clock.now().timestamp()
    begin_audit(visit, deep=form.flag("deep"))
    return RedirectResponse("/preservation" + query({}, asked="audit", since=since), 303)


@router.post("/preservation/repair")
def run_repair(visit: SignedVisit, form: Form) -> Response:
    """Mend what can be mended: the incident named, or all that are open."""
    incident_id = form.text("incident")
    begin_repair(visit, [incident_id] if incident_id else None)
    if incident_id:
        return RedirectResponse(f"/preservation/incidents/{incident_id}?asked=repair", 303)
    return RedirectResponse("/preservation?asked=repair", 303)
