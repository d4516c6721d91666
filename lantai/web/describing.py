"""Describing the records of a deposit before they are packed; pages and API share this."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy.orm import Session

from ingest.suggest import given
from lantai.web import views_confirming, views_submissions
from lantai.web.visit import Visit
from metadata.errors import Forbidden, LantaiError
from repository.tables import RecordPlan, Submission


def deposit_of(session: Session, visit: Visit, submission_id: str) -> Submission:
    """The deposit, for whom it concerns: its depositor and who may accept it."""
    return views_submissions.get(session, visit, submission_id)


def may(session: Session, visit: Visit, submission: Submission) -> bool:
    """Whether the person may describe its records now."""
    return given.may_give(session, visit.site.archive, visit.person, submission)


def give(visit: Visit, submission_id: str, values: Mapping[str, Mapping[str, Any]]) -> int:
    """Keep what the person says of records; how many changed."""
    with visit.writing() as session:
        deposit_of(session, visit, submission_id)
        return given.give(
            session, archive=visit.site.archive, actor=visit.person, submission_id=submission_id, values=values
        )


def give_typed(
    visit: Visit, submission_id: str, typed: Mapping[int, Mapping[str, str]], programme: str, *, sure: bool
) -> int:
    """Keep what stands in the fields of a page, by position; how many records changed.

    A row is confirmed as it stands. With ``sure`` only rows that the person changed are, and then every guess of the
    whole deposit that is very likely.
    """
    archive = visit.site.archive
    with visit.writing() as session:
        submission = deposit_of(session, visit, submission_id)
        found = views_confirming.plans_at(session, submission_id, typed)
        values = {}
        for position, plan in found.items():
            told = _told(plan, submission, typed[position], programme, changed_only=sure)
            if told:
                values[plan.record_id] = told
        common: dict[str, Any] = {
            "session": session, "archive": archive, "actor": visit.person, "submission_id": submission_id
        }  # fmt: skip
        changed = given.give(**common, values=values)
        return changed + (given.give_sure(**common) if sure else 0)


def _told(
    plan: RecordPlan, submission: Submission, typed: Mapping[str, str], programme: str, *, changed_only: bool
) -> dict[str, Any]:
    known = views_confirming.base(plan, submission)
    at_first = views_confirming.shown(plan, submission)
    told: dict[str, Any] = {}
    if "title" in typed:
        typed = {**typed, "title": views_confirming.meant_title(plan, submission, typed["title"])}
    for name, value in typed.items():
        before = at_first[name] if changed_only else known[name]
        if name in views_confirming.FIELDS and (value != before or (not changed_only and name in (plan.given or {}))):
            told[name] = value
    if told.get("household_no"):
        guessed = (plan.suggested or {}).get("household_no") or {}
        usual = guessed.get("programme") if guessed.get("value") == told["household_no"] else None
        said = (plan.given or {}).get("programme") or plan.spec.get("listed", {}).get("programme")
        told["programme"] = usual or said or submission.options.get("programme") or programme or None
    return told


def faults(error: LantaiError, language: str) -> dict[str, dict[str, str]]:
    """Record id -> field -> sentence, out of the error of ``give``."""
    key = "en" if language.startswith("en") else "zh"
    found: Any = error.params.get("records", {})
    return {record_id: {name: told[key] for name, told in one.items()} for record_id, one in found.items()}


def require(session: Session, visit: Visit, submission: Submission) -> None:
    """``Forbidden`` unless the person may describe the deposit's records, whatever its state."""
    if submission.actor_id != visit.person.id and not views_submissions.may_decide(visit, session, submission):
        raise Forbidden(
            "description.not_yours",
            zh="只有移交人本人或负责接收的档案员可以著录这次移交。",
            en="Only the depositor, or an archivist who may accept this deposit, may describe it.",
        )
