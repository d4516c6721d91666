"""Describing for programs: guesses about a deposit's records, what is said of them, and a deposit list by itself."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Query, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.concurrency import run_in_threadpool

from ingest.findings import sentence
from ingest.list_report import as_values
from lantai.api.models import CONFLICT, Answer, Page
from lantai.part import ApiPart
from lantai.web import describing, lists, views_confirming
from lantai.web.display import masked
from lantai.web.visit import ApiVisit

router = ApiPart(tags=["submissions"], responses=CONFLICT)


class PlannedRecord(Answer):
    """A record of a deposit before it is packed: what is known, guessed and said of it."""

    record_id: str
    position: int
    names: list[str] = Field(description="names of its first files, ID numbers masked")
    known: dict[str, Any] = Field(
        description="from the deposit list or the depositor's options, ID numbers in the title masked"
    )
    suggested: dict[str, Any] = Field(description="guesses: value, confidence 0 to 1, basis")
    given: dict[str, Any] = Field(description="what a person said; it prevails")


class SaidOfRecord(BaseModel):
    """What is said of one record; a field that is not named stays as it was, an empty one says that there is none."""

    model_config = ConfigDict(extra="forbid")

    record_id: str
    document_type: str | None = Field(None, examples=["CHK07"])
    household_no: str | None = Field(None, examples=["9901010010010001236"])
    programme: str | None = Field(None, examples=["DB"])
    date: str | None = Field(None, examples=["2024-03-05"])
    title: str | None = Field(None, max_length=500)
    page_count: int | None = Field(None, ge=0, le=1_000_000)
    access_level: str | None = Field(None, examples=["internal"])
    note: str | None = Field(None, max_length=2000)


class Said(BaseModel):
    """What is said of up to a thousand records; all of it is kept, or nothing."""

    model_config = ConfigDict(extra="forbid")

    records: list[SaidOfRecord] = Field(max_length=1000)


class Kept(Answer):
    """How many records changed."""

    changed: int


class ListAnswer(Answer):
    """What a deposit list holds and every fault in it; ``good``: nothing in it bars a deposit."""

    name: str
    good: bool
    records: int
    case_files: int
    files: int | None
    findings: list[dict[str, Any]]


def _suggested(guessed: dict[str, Any]) -> dict[str, Any]:
    title = guessed.get("title")
    if not isinstance(title, dict):
        return guessed
    return {**guessed, "title": {**title, "value": masked(str(title["value"]))}}


@router.get("/submissions/{submission_id}/records", summary="Records of a deposit before they are packed")
def planned(
    visit: ApiVisit, submission_id: str, after: int = -1, limit: Annotated[int, Query(ge=1, le=200)] = 50
) -> Page[PlannedRecord]:
    """Records that may still be described, by position, with the guesses about them."""
    with visit.reading() as session:
        submission = describing.deposit_of(session, visit, submission_id)
        describing.require(session, visit, submission)
        some = views_confirming.plans(session, submission_id, after=after, limit=limit + 1)
        rows = views_confirming.rows(session, visit, submission, some[:limit])
        items = [
            PlannedRecord(
                record_id=plan.record_id,
                position=plan.position,
                names=row.names,
                known=views_confirming.masked_title(
                    {name: value for name, value in views_confirming.base(plan, submission).items() if value}
                ),
                suggested=_suggested(plan.suggested or {}),
                given=views_confirming.masked_title(
                    {name: value for name, value in (plan.given or {}).items() if name != "by"}
                ),
            )
            for plan, row in zip(some, rows, strict=False)
        ]
    return Page[PlannedRecord](items=items, next=str(items[-1].position) if len(some) > limit else None)


@router.put("/submissions/{submission_id}/records", summary="Say what the records of a deposit are")
def said(visit: ApiVisit, submission_id: str, given: Said) -> Kept:
    """Confirm or correct guesses. A fault names record and field in ``params.records``; then nothing is kept."""
    values = {one.record_id: one.model_dump(exclude_unset=True, exclude={"record_id"}) for one in given.records}
    return Kept(changed=describing.give(visit, submission_id, values))


@router.post(
    "/deposit-lists/check",
    summary="Look a deposit list through",
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
        }
    },
)
async def check(
    request: Request, visit: ApiVisit, name: Annotated[str, Query(min_length=1, max_length=300)]
) -> ListAnswer:
    """The body is the list (XLSX, CSV or JSON), ``name`` its file name. Every row's fault comes back; nothing is kept."""
    most = visit.site.settings.limits.list_bytes
    data = bytearray()
    async for chunk in request.stream():
        if len(data) <= most:
            data += chunk
    report = await run_in_threadpool(lists.checked, visit, name, bytes(data))
    return ListAnswer.model_validate(as_values(report, sentence))
