"""Retention for programs: what is due, totals, the rules, why a record is kept, and the events that decide it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Annotated, Literal

from fastapi import Query, Response
from pydantic import BaseModel, ConfigDict, Field

from access import gate
from lantai.api.models import PROBLEMS, Answer, Due, Explanation, Page, Rule
from lantai.part import ApiPart
from lantai.result_lists import MEDIA_TYPES
from lantai.web import views_due, views_retention
from lantai.web.display import masked
from lantai.web.pages.retention import due_file
from lantai.web.visit import ApiVisit
from metadata.rights import Permission
from repository.clock import local_date
from retention import due as due_reading
from retention import events
from retention.due import DueFilter
from retention.events import CaseClock, clock_of
from retention.explanation import explain

router = ApiPart(prefix="/retention", tags=["retention"], responses=PROBLEMS)


class DueWish(BaseModel):
    """Which records are meant; days are included."""

    before: date | None = Field(None, description="due on or before this day; today unless a period is given")
    since: date | None = Field(None, description="due on this day or later")
    organ: str = Field("", max_length=36, description="id of an organ")
    rule: str = Field("", max_length=40, examples=["R01"])
    category: str = Field("", max_length=8, examples=["ZY"], description="category of records (档案门类)")

    def filters(self, today: date) -> DueFilter:
        """In the terms of the due list."""
        until = self.before or (None if self.since else today)
        return DueFilter(self.since, until, self.organ, self.rule, self.category)


class DuePage(DueWish):
    """Which records are meant, and which part of the list."""

    after: str = Field("", max_length=40, description="`next` of the page before", examples=["2031-01-01.42"])
    limit: int = Field(100, ge=1, le=500)


class DueFile(DueWish):
    """Which records are meant, and how the list is written."""

    file: Literal["csv", "xlsx"] = Field("csv", alias="as")


class Total(Answer):
    """How many records of an organ a rule makes due in a year."""

    organ_id: str
    rule_id: str = Field(examples=["R01"])
    outcome: str = Field(examples=["due"], description="due, waiting, permanent")
    year: int | None = Field(examples=[2031], description="none for what waits or is permanent")
    records: int


class CaseEvent(Answer):
    """Something that happened in a case."""

    event: str = Field(examples=["benefit_stopped"])
    on: date
    note: str = ""


class NewEvent(BaseModel):
    """An event to be entered."""

    model_config = ConfigDict(extra="forbid")

    event: str = Field(max_length=48, examples=["benefit_stopped"], description="code of an event of the profile")
    on: date = Field(examples=["2026-03-31"])
    note: str = Field("", max_length=200)
    row_version: int | None = Field(None, description="as read; a file changed meanwhile is then a conflict")


class Withdrawal(BaseModel):
    """An event that was entered wrongly."""

    model_config = ConfigDict(extra="forbid")

    event: str = Field(max_length=48, examples=["benefit_stopped"])
    on: date = Field(examples=["2026-03-31"])
    reason: str = Field(min_length=1, max_length=200, examples=["登记错户"])
    row_version: int | None = None


class CaseEvents(Answer):
    """What happened in a case, and the day the benefit stopped as it follows from it."""

    case_file_id: str
    row_version: int
    stopped_on: date | None
    events: list[CaseEvent]
    withdrawn: list[CaseEvent]


def _today(visit: ApiVisit) -> date:
    archive = visit.site.archive
    return local_date(archive.clock.now(), archive.zone)


@router.get("/due", summary="What is due for appraisal")
def due(visit: ApiVisit, wish: Annotated[DuePage, Query()]) -> Page[Due]:
    """Records due on or before a day (today unless given), by day. Due means appraise; nothing is destroyed by itself.

    A page is entered in the use register with its rows.
    """
    visit.require(Permission.RETENTION_READ)
    with visit.writing() as session:
        found = due_reading.due_list(
            session,
            visit.person,
            profile=visit.site.archive.profile,
            filters=wish.filters(_today(visit)),
            after=views_due.place_of(wish.after),
            limit=wish.limit + 1,
        )
        visit.looked(session, "list.exported", count=min(len(found), wish.limit))
    items = [
        Due(record_id=one.record_id, title=masked(one.title), rule_id=one.rule_id, due_on=one.due_on)
        for one in found[: wish.limit]
    ]
    last = found[wish.limit - 1] if len(found) > wish.limit else None
    return Page(items=items, next=f"{last.due_on}.{last.seq}" if last else None)


@router.get(
    "/due/export",
    summary="Take out the due list",
    response_class=Response,
    responses={200: {"description": "The list", "content": {MEDIA_TYPES[one]: {} for one in ("csv", "xlsx")}}},
)
def export(visit: ApiVisit, wish: Annotated[DueFile, Query()]) -> Response:
    """The due list as CSV or XLSX, at most 100,000 rows. Entered once in the use register, with the number of rows."""
    visit.require(Permission.RETENTION_READ)
    return due_file(visit, wish.filters(_today(visit)), wish.file)


@router.get("/totals", summary="How much is due in the years to come")
def totals(visit: ApiVisit, first: int | None = None, last: int | None = None) -> list[Total]:
    """Totals by organ, rule, outcome and year of the due day, of what the caller's roles reach, as counted last."""
    visit.require(Permission.RETENTION_READ)
    views_due.refresh_when_small(visit)
    with visit.reading() as session:
        found = due_reading.totals(session, visit.person, profile=visit.site.archive.profile, first=first, last=last)
    return [Total.model_validate(one) for one in found]


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
        found = explain(session, record.id, archive.profile, today=_today(visit))
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


@router.get("/cases/{number}/events", summary="What happened in a case")
def case_events(visit: ApiVisit, number: str) -> CaseEvents:
    """Events of a case file (id or household number), by day; entered in the use register."""
    with visit.looking(case_file=number) as session:
        case = gate.get_case(session, visit.person, number, visit.site.archive.profile)
        visit.looked(session, "case.viewed", case_file_id=case.id)
        return _told(clock_of(case))


@router.post("/cases/{number}/events", summary="Enter an event of a case", status_code=201)
def enter(visit: ApiVisit, number: str, given: NewEvent) -> CaseEvents:
    """Something happened (停保、重新受理 …): the retention of the file's records follows in the same transaction."""
    with visit.noting_refusal(case_file=number), visit.writing() as session:
        case = events.enter(
            session,
            archive=visit.site.archive,
            actor=visit.person,
            case_file=number,
            event=given.event,
            on=given.on,
            note=given.note,
            row_version=given.row_version,
        )
        session.flush()
        return _told(clock_of(case))


@router.post("/cases/{number}/events/withdraw", summary="Take an event back")
def withdraw(visit: ApiVisit, number: str, given: Withdrawal) -> CaseEvents:
    """An event that was entered wrongly counts no more; the history keeps it, and why."""
    with visit.noting_refusal(case_file=number), visit.writing() as session:
        case = events.withdraw(
            session,
            archive=visit.site.archive,
            actor=visit.person,
            case_file=number,
            event=given.event,
            on=given.on,
            reason=given.reason,
            row_version=given.row_version,
        )
        session.flush()
        return _told(clock_of(case))


def _told(clock: CaseClock) -> CaseEvents:
    def read(entries: Sequence[Mapping[str, str]]) -> list[CaseEvent]:
        return [
            CaseEvent(event=one["event"], on=date.fromisoformat(one["on"]), note=masked(one["note"])) for one in entries
        ]

    return CaseEvents(
        case_file_id=clock.case_file_id,
        row_version=clock.row_version,
        stopped_on=clock.stopped_on,
        events=read(clock.events),
        withdrawn=read(clock.withdrawn),
    )
