"""Retention: what is due for appraisal, and the rules with their citation and how far it was verified."""

from __future__ import annotations

from datetime import date, timedelta

from fastapi import APIRouter, Response

from lantai.web import views_retention
from lantai.web.display import masked
from lantai.web.rendering import page
from lantai.web.visit import SignedVisit
from metadata.rights import Permission
from repository.clock import local_date
from retention.due import due_list

router = APIRouter()
_AHEAD = timedelta(days=365)


@router.get("/retention")
def show(visit: SignedVisit, before: date | None = None) -> Response:
    """Due list (a year ahead unless another day is asked for) and rules."""
    visit.require(Permission.RETENTION_READ)
    archive = visit.site.archive
    until = before or local_date(archive.clock.now(), archive.zone) + _AHEAD
    with visit.reading() as session:
        found = due_list(session, visit.person, before=until, profile=archive.profile)
    due = [
        {
            "record_id": one.record_id,
            "title": masked(one.title),
            "rule": f"{one.rule_id} {one.rule_en if visit.language == 'en' else one.rule_zh}",
            "due_on": one.due_on,
        }
        for one in found
    ]
    return page(
        visit,
        "retention.html",
        room="retention",
        before=until,
        due=due,
        rules=views_retention.rules(visit),
        rules_version=archive.profile.label,
    )
