"""Alarms for programs: list, look at, take, close."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import Query, Response
from pydantic import BaseModel, ConfigDict, Field

from access import alarms
from access.alarms import AlarmLine, State
from lantai import alarm_words
from lantai.api.models import PROBLEMS, Answer, Page
from lantai.part import ApiPart
from lantai.web.visit import ApiVisit
from repository.alarms import AlarmArea

router = ApiPart(prefix="/alarms", tags=["alarms"], responses=PROBLEMS)


class AlarmListed(Answer):
    """Something that a person must look into."""

    id: str
    kind: str = Field(
        examples=["bulk_exports"],
        description="bulk_views, bulk_exports, refusals, sign_ins, damage, replica_conflict, part_down, backup_old, clock_stepped",
    )
    area: str = Field(examples=["use"], description="use, preservation, system")
    subject: str = Field(description="id of the account, name of the replica or of the part of the site it is about")
    account_name: str
    organ_name: str
    words: str = Field(description="what happened, in one sentence", examples=["本小时 61 次；通常不超过 60 次。"])
    state: str = Field(examples=["open"], description="open, handling, closed")
    window: str = Field(examples=["2026-11-24"], description="the hour or day that a count speaks of")
    count: int
    limit: int
    rows: int | None
    times: int = Field(description="how often it was found")
    raised_at: datetime
    last_at: datetime = Field(description="when it was found last")
    over_at: datetime | None = Field(description="since when it is over by itself")
    taken_by: str
    taken_at: datetime | None
    closed_at: datetime | None
    closed_by: str
    remark: str = Field(description="what came of it")


class AlarmStepTold(Answer):
    """One step of what became of an alarm."""

    at: datetime
    step: str = Field(examples=["taken"], description="raised, taken, noted, over, again, closed")
    actor_id: str
    name: str
    words: str


class AlarmTold(AlarmListed):
    """An alarm with every step, oldest first."""

    steps: list[AlarmStepTold]


class Words(BaseModel):
    """What was found or done."""

    model_config = ConfigDict(extra="forbid")

    words: str = Field("", max_length=1000, examples=["已联系乡镇核实。"])


class Remark(BaseModel):
    """What came of an alarm."""

    model_config = ConfigDict(extra="forbid")

    remark: str = Field(max_length=1000, examples=["经核查，系批量整理工作，属正常。"])


def _fields(visit: ApiVisit, one: AlarmLine) -> dict[str, object]:
    names = (*AlarmListed.model_fields,)
    told = {name: getattr(one, name) for name in names if name != "words"}
    return {**told, "words": alarm_words.sentence(visit.language, one)}


@router.get("", summary="Alarms")
def list_alarms(
    visit: ApiVisit,
    state: State = "all",
    area: AlarmArea | None = None,
    after: int | None = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
) -> Page[AlarmListed]:
    """Alarms that the caller is told of, newest first; ``waiting`` are those that nobody has closed."""
    with visit.reading() as session:
        found = alarms.alarms(
            session, visit.person, visit.site.archive.profile, state=state, area=area, after=after, limit=limit
        )
    return Page[AlarmListed](
        items=[AlarmListed.model_validate(_fields(visit, one)) for one in found],
        next=str(found[-1].seq) if len(found) == limit else None,
    )


@router.get("/{alarm_id}", summary="One alarm")
def show_alarm(visit: ApiVisit, alarm_id: str) -> AlarmTold:
    """An alarm and what became of it."""
    with visit.reading() as session:
        one, steps = alarms.alarm(session, visit.person, visit.site.archive.profile, alarm_id)
    told = [AlarmStepTold.model_validate(step) for step in steps]
    return AlarmTold.model_validate({**_fields(visit, one), "steps": told})


@router.post("/{alarm_id}/take", summary="Deal with an alarm", status_code=204)
def take_alarm(visit: ApiVisit, alarm_id: str, body: Words) -> Response:
    """Take an alarm in hand, over from somebody else if need be; one's own gets the words added."""
    with visit.writing() as session:
        alarms.take(session, archive=visit.site.archive, actor=visit.person, alarm_id=alarm_id, words=body.words)
    return Response(status_code=204)


@router.post("/{alarm_id}/close", summary="Close an alarm", status_code=204)
def close_alarm(visit: ApiVisit, alarm_id: str, body: Remark) -> Response:
    """Say what came of an alarm and close it; nobody closes one about herself."""
    with visit.writing() as session:
        alarms.close(session, archive=visit.site.archive, actor=visit.person, alarm_id=alarm_id, remark=body.remark)
    return Response(status_code=204)
