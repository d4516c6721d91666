"""Preservation for programs: the answer, incidents, audit, repair."""

from __future__ import annotations

from lantai.api.models import PROBLEMS, Begun, Incident, Preservation, RepairWish, ReplicaLine
from lantai.part import ApiPart
from lantai.web import views_preservation
from lantai.web.pages.preservation import begin_audit, begin_repair
from lantai.web.visit import ApiVisit
from metadata.rights import Permission

router = ApiPart(prefix="/preservation", tags=["preservation"], responses=PROBLEMS)


@router.get("", summary="Is everything still there and unchanged?")
def show(visit: ApiVisit) -> Preservation:
    """The one sentence, and the figures of each replica."""
    visit.require(Permission.FIXITY_READ)
    with visit.reading() as session:
        found = views_preservation.replicas(session, visit)
        open_incidents = views_preservation.open_count(session)
        files = views_preservation.files_kept(session)
    told = views_preservation.answer(visit, found, files)
    return Preservation(
        sentence=told.words,
        kind=told.kind,
        replicas=[ReplicaLine.model_validate(one) for one in found],
        open_incidents=open_incidents,
    )


@router.get("/incidents", summary="Incidents")
def incidents(visit: ApiVisit) -> list[Incident]:
    """Incidents, open ones first: what happened, what was done."""
    visit.require(Permission.FIXITY_READ)
    with visit.reading() as session:
        return [Incident.model_validate(one) for one in views_preservation.incidents(session, visit, limit=500)]


@router.post("/audit", summary="Re-read everything", status_code=202)
def audit(visit: ApiVisit, deep: bool = False) -> Begun:
    """Have a worker re-read every object on every replica; ``deep`` compares every manifest inside too."""
    return Begun(job=begin_audit(visit, deep=deep))


@router.post("/repair", summary="Repair what can be repaired", status_code=202)
def repair(visit: ApiVisit, given: RepairWish | None = None) -> Begun:
    """Have a worker mend the incidents named, or every open one, as far as there is a good copy."""
    return Begun(job=begin_repair(visit, given.incident_ids if given else None))
