"""Arranging for programs: order of a household file, papers in and out of it, corrected descriptions, the tree."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from fastapi import Header, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from access import gate
from lantai import filing, revising
from lantai.api.models import CONFLICT, Answer
from lantai.part import ApiPart
from lantai.web import views_describe, views_holdings
from lantai.web.views_holdings import Opened
from lantai.web.visit import ApiVisit
from metadata.errors import Conflict, Invalid
from metadata.rights import Permission

router = ApiPart(tags=["holdings"], responses=CONFLICT)
RowVersion = Annotated[
    int | None, Field(ge=1, description="the state that the caller saw; another one is refused (409)")
]
IfMatch = Annotated[
    str | None, Header(description="ETag of the state that the caller saw; another one is refused (412)")
]
_ID = "3f0c1c1e-6f0e-4b7e-9f57-0b2f6f0f9f10"


class Order(BaseModel):
    """The records of a household file in the order wanted; those not named keep their places."""

    model_config = ConfigDict(extra="forbid")

    records: list[str] = Field(min_length=1, max_length=filing.MOST, examples=[[_ID]])
    row_version: RowVersion = None


class Papers(BaseModel):
    """Records to be filed, or taken out."""

    model_config = ConfigDict(extra="forbid")

    records: list[str] = Field(min_length=1, max_length=filing.MOST, examples=[[_ID]])
    row_version: RowVersion = None


class CaseState(Answer):
    """A household file after an act: the records concerned, its newest revision, its state."""

    id: str
    records: list[str] = Field(description="ids that were moved in or out, or the whole order")
    revision: int
    row_version: int


class Described(Answer):
    """The description of a record; personal numbers are masked."""

    record_id: str
    revision: int = Field(description="0: as accessioned")
    row_version: int
    values: dict[str, str | list[str]] = Field(
        examples=[{"title": "最低生活保障申请书", "document_type": "APP01", "access_level": "internal"}]
    )


class Correction(BaseModel):
    """Fields to be corrected; a field that is not named stays as it was, an empty one says that there is none."""

    model_config = ConfigDict(extra="forbid")

    row_version: RowVersion = None
    title: str | None = Field(None, max_length=500, examples=["最低生活保障申请书"])
    document_type: str | None = Field(None, max_length=16, examples=["APP01"])
    date: str | None = Field(None, max_length=10, examples=["2024-03-05"])
    author: str | None = Field(None, max_length=200)
    document_number: str | None = Field(None, max_length=100)
    persons: list[str] | None = Field(None, max_length=200)
    page_count: int | None = Field(None, ge=0, le=1_000_000)
    division_code: str | None = Field(None, max_length=12, examples=["990101101201"])
    access_level: str | None = Field(None, max_length=16, examples=["internal"])
    access_marks: list[str] | None = Field(None, max_length=50, examples=[["medical"]])
    note: str | None = Field(None, max_length=2000)


class Change(Answer):
    """A field before and after a revision, in words."""

    words: str
    before: str
    after: str


class Revision(Answer):
    """A revision of a description with what it changed."""

    number: int
    when: str
    who: str
    current: bool
    changes: list[Change]


class Restore(BaseModel):
    """Which state the caller saw."""

    model_config = ConfigDict(extra="forbid")

    row_version: RowVersion = None


class Branch(Answer):
    """A node of the tree: fonds, series, household, document; ``branch``: it has children, read when it is asked for."""

    name: str
    href: str
    note: str
    branch: bool
    children: list[Branch]


class Holdings(Answer):
    """The tree of the holdings with the branches asked for."""

    nodes: list[Branch]
    read_at: datetime


# --- household files --------------------------------------------------------------------------------------------------


@router.put("/case-files/{number}/order", summary="Order the records of a household file")
def arrange(visit: ApiVisit, number: str, order: Order) -> CaseState:
    """Keep the order as a new revision; refused (409) when somebody changed the file since ``row_version``."""
    archive = visit.site.archive
    with visit.noting_refusal(case_file=number), visit.writing() as session:
        case = filing.case_to_arrange(session, archive, visit.person, number)
        filing.arrange(
            session,
            archive=archive,
            actor=visit.person,
            case=case,
            order=order.records,
            row_version=order.row_version,
        )
        session.flush()
        ids = filing.order_of(session, archive, visit.person, case)
        return CaseState(id=case.id, records=ids, revision=case.revision, row_version=case.row_version)


@router.post("/case-files/{number}/records", summary="File records into a household file")
def file(visit: ApiVisit, number: str, papers: Papers) -> CaseState:
    """Records that stand there already are left alone; ``records`` of the answer are those that are new in the file."""
    archive = visit.site.archive
    with visit.noting_refusal(case_file=number), visit.writing() as session:
        case = filing.case_to_arrange(session, archive, visit.person, number)
        new = filing.file_into(
            session,
            archive=archive,
            actor=visit.person,
            case=case,
            record_ids=papers.records,
            row_version=papers.row_version,
        )
        return CaseState(id=case.id, records=new, revision=case.revision, row_version=case.row_version)


@router.post("/case-files/{number}/records/take-out", summary="Take records out of a household file")
def take_out(visit: ApiVisit, number: str, papers: Papers) -> CaseState:
    """The records stay in the holdings; refused (409) while a hold stands on the file."""
    archive = visit.site.archive
    with visit.noting_refusal(case_file=number), visit.writing() as session:
        case = filing.case_to_arrange(session, archive, visit.person, number)
        gone = filing.take_out(
            session,
            archive=archive,
            actor=visit.person,
            case=case,
            record_ids=papers.records,
            row_version=papers.row_version,
        )
        return CaseState(id=case.id, records=gone, revision=case.revision, row_version=case.row_version)


@router.get("/holdings/tree", summary="The tree of the holdings")
def tree(visit: ApiVisit, programme: str = "", case: str = "", after: Annotated[int, Query(ge=0)] = 0) -> Holdings:
    """Fonds, series, households, documents; only the branches that ``programme`` and ``case`` open are read."""
    visit.require(Permission.CASE_READ)
    with visit.noting_refusal(case_file=case or None), visit.reading() as session:
        if case:
            programme = gate.get_case(session, visit.person, case, visit.site.archive.profile).programme
        nodes = views_holdings.tree(session, visit, Opened(programme, case, min(after, 2**62)))
    return Holdings(nodes=[Branch.model_validate(one) for one in nodes], read_at=visit.site.archive.clock.now())


# --- descriptions -----------------------------------------------------------------------------------------------------


def _tag(row_version: int) -> str:
    return f'"{row_version}"'


def _described(state: revising.State) -> Described:
    return Described(
        record_id=state.record_id, revision=state.revision, row_version=state.row_version, values=state.values
    )


@router.get("/records/{record_id}/description", summary="The description of a record")
def description(visit: ApiVisit, record_id: str, response: Response) -> Described:
    """As it stands, with the ``ETag`` that a correction brings back in ``If-Match``."""
    with visit.looking(record_id) as session:
        record = gate.get_record(session, visit.person, record_id, visit.site.archive.profile)
        visit.looked(session, "record.viewed", record_id=record.id)
    response.headers["ETag"] = _tag(record.row_version)
    return _described(revising.state_of(record))


@router.patch(
    "/records/{record_id}/description",
    summary="Correct the description of a record",
    responses={412: {"description": "Somebody changed it since the state named in If-Match"}},
)
def correct(
    visit: ApiVisit, record_id: str, given: Correction, response: Response, if_match: IfMatch = None
) -> Described:
    """A new revision. Name the state you saw, in ``If-Match`` or ``row_version``, or nothing is changed (422).

    A masked number that comes back as it was given out stays whole.
    """
    typed = given.model_dump(exclude_unset=True, exclude={"row_version"})
    with visit.noting_refusal(record_id), visit.writing() as session:
        record = revising.record_to_describe(session, visit.site.archive, visit.person, record_id)
        done = revising.revise(
            session,
            archive=visit.site.archive,
            actor=visit.person,
            record_id=record_id,
            typed=typed,
            row_version=_seen(record.row_version, if_match, given.row_version),
        )
    response.headers["ETag"] = _tag(done.record.row_version)
    return _described(revising.state_of(done.record))


def _seen(seen: int, if_match: str | None, row_version: int | None) -> int:
    """The state that the caller saw; a header that names another one fails the precondition (RFC 9110 13.1.1)."""
    if if_match is not None:
        named = [one.strip() for one in if_match.split(",")]
        if "*" not in named and _tag(seen) not in named:
            raise Conflict(
                "precondition.failed",
                zh="这件档案的著录此后已被修改，没有保存。请重新读取后再提交。",
                en="The description was changed since; nothing was saved. Read it again and send your correction anew.",
                row_version=seen,
            )
        return row_version or seen
    if row_version is None:
        raise Invalid(
            "precondition.required",
            zh="请在 If-Match 或 row_version 中注明您所见的版本，以免覆盖他人的修改。",
            en="Name the state you saw in If-Match or row_version, so that nobody's change is overwritten.",
        )
    return row_version


@router.get("/records/{record_id}/description/revisions", summary="Revisions of a description")
def revisions(
    visit: ApiVisit, record_id: str, before: Annotated[int | None, Query(ge=1, le=10**9)] = None
) -> list[Revision]:
    """Newest first, twenty at a time from ``before`` on, each with what it changed."""
    with visit.looking(record_id) as session:
        record = gate.get_record(session, visit.person, record_id, visit.site.archive.profile)
        visit.looked(session, "record.viewed", record_id=record.id)
        found = views_describe.revisions(session, visit, record, before=before)
    return [Revision.model_validate(one) for one in found]


@router.post("/records/{record_id}/description/revisions/{number}/restore", summary="Bring an older description back")
def restore(visit: ApiVisit, record_id: str, number: int, given: Restore) -> Described:
    """A new revision with the values that revision ``number`` had."""
    values: dict[str, Any] = {"record_id": record_id, "number": number, "row_version": given.row_version}
    with visit.noting_refusal(record_id), visit.writing() as session:
        done = revising.restore(session, archive=visit.site.archive, actor=visit.person, **values)
    return _described(revising.state_of(done.record))
