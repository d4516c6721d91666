"""Retention for programs: what is due, the rules, and why a record is kept."""

from __future__ import annotations

from datetime import date

from fastapi import APIRouter

from access import gate
from lantai.api.models import PROBLEMS, Due, Explanation, Rule
from lantai.web import views_retention
from lantai.web.display import masked
from lantai.web.visit import ApiVisit
from metadata.rights import Permission
from repository.clock import local_date
from retention.due import due_list
from retention.explanation import explain

router = APIRouter(prefix="/retention", tags=["retention"], responses=PROBLEMS)


@router.get("/due", summary="What is due for appraisal")
def due(visit: ApiVisit, before: date | None = None) -> list[Due]:
    """Records due on or before a day (today unless given). Due means appraise; nothing is destroyed by itself."""
    archive = visit.site.archive
    until = before or local_date(archive.clock.now(), archive.zone)
    with visit.reading() as session:
        found = due_list(session, visit.person, before=until, profile=archive.profile)
    return [
        Due(record_id=one.record_id, title=masked(one.title), rule_id=one.rule_id, due_on=one.due_on) for one in found
    ]


@router.get("/rules", summary="The retention schedule")
def rules(visit: ApiVisit) -> list[Rule]:
    """Every rule with its citation and how far it was verified."""
    visit.require(Permission.RETENTION_READ)
    return [Rule.model_validate(one) for one in views_retention.rules(visit)]


@router.get("/records/{record_id}", summary="Why a record is kept, and until when")
def explained(visit: ApiVisit, record_id: str) -> Explanation:
    """The governing rule, what started its period, and the reasoning step by step."""
    archive = visit.site.archive
    with visit.looking(record_id) as session:
        record = gate.get_record(session, visit.person, record_id, archive.profile)
        found = explain(session, record.id, archive.profile, today=local_date(archive.clock.now(), archive.zone))
        visit.looked(session, "record.viewed", record_id=record.id)
    return Explanation(
        outcome=found.outcome,
        rule_id=found.rule_id,
        trigger=found.trigger,
        trigger_on=found.trigger_on,
        due_on=found.due_on,
        waiting_for=found.waiting_for,
        citation=found.citation,
        status=found.status,
        profile_version=found.profile_version,
        story=list(found.story_en if visit.language == "en" else found.story_zh),
    )
