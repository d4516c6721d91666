"""The site for programs: state and index."""

from __future__ import annotations

from typing import Any

from lantai import indexing
from lantai.api.models import PROBLEMS, Begun, IndexState, SitePart
from lantai.part import ApiPart
from lantai.web import views_index
from lantai.web.visit import ApiVisit
from metadata.rights import Permission
from repository.status import status

router = ApiPart(prefix="/system", tags=["system"], responses=PROBLEMS)


@router.get("/status", summary="State of the archive")
def state(visit: ApiVisit) -> dict[str, Any]:
    """Totals, replicas, submissions, incidents, index and ledger: what ``lantai status --json`` says."""
    visit.require(Permission.STATUS_READ)
    return status(visit.site.archive)


@router.get("/parts", summary="How each part of the site is")
def parts(visit: ApiVisit) -> list[SitePart]:
    """Database, replicas, index, scanner, workers and the rest: state, since when, and what waits because of it."""
    visit.require(Permission.STATUS_READ)
    return [SitePart.model_validate(one) for one in visit.request.app.state.parts.look()]


@router.get("/index", summary="How far the search index is")
def index(visit: ApiVisit) -> IndexState:
    """Changes that the index does not show yet, the oldest of them, its entries, the last rebuild and a running one."""
    visit.require(Permission.STATUS_READ)
    with visit.reading() as session:
        return IndexState.model_validate(indexing.report(session, visit.site))


@router.post("/index/rebuild", summary="Make the search index anew", status_code=202)
def rebuild_index(visit: ApiVisit) -> Begun:
    """Have a worker make the index anew beside the live one and swap; a job that runs already is named again."""
    return Begun(job=views_index.begin_rebuild(visit))
