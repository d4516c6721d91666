"""Holds for programs: list, place, look at, put off the review, lift."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Literal

from fastapi import Query
from pydantic import BaseModel, ConfigDict, Field

from lantai.api.models import PROBLEMS, Answer, Page
from lantai.part import ApiPart
from lantai.web import views_holds
from lantai.web.visit import ApiVisit
from metadata.rights import Permission
from retention import holding
from retention.holding import MOST_SUBJECTS

router = ApiPart(prefix="/holds", tags=["holds"], responses=PROBLEMS)

Ids = Annotated[list[str], Field(max_length=MOST_SUBJECTS)]


class HoldListed(Answer):
    """A hold in the list."""

    id: str
    title: str = Field(examples=["检察调卷"])
    authority: str = Field(examples=["云岭县人民检察院"])
    reference: str
    placed_at: datetime
    review_on: date | None
    due_for_review: bool = Field(description="its day of review has come")
    state: str = Field(examples=["standing"], description="standing, lifting (not sealed yet: still in force), lifted")


class HoldTold(Answer):
    """A hold; ``records`` and ``case_files`` count what lies in the caller's reach."""

    id: str
    title: str
    authority: str
    reference: str
    reason: str
    review_on: date | None
    placed_by: str
    placed_at: datetime
    state: str = Field(examples=["standing"])
    lifted_by: str
    lifted_at: datetime | None
    lift_authority: str
    lift_reason: str
    row_version: int
    records: int
    case_files: int


class NewHold(BaseModel):
    """A hold to be placed over records and case files that the caller may put on hold."""

    model_config = ConfigDict(extra="forbid")

    id: str | None = Field(None, max_length=36, description="a UUID of the caller's: sent twice, it places one hold")
    title: str = Field(max_length=200, examples=["检察调卷"])
    authority: str = Field(max_length=200, examples=["云岭县人民检察院"])
    reason: str = Field(max_length=2000, examples=["案件侦查期间不得处置"])
    reference: str = Field("", max_length=200, examples=["云检调〔2026〕3号"])
    review_on: date | None = None
    record_ids: Ids = []
    case_file_ids: Ids = []


class NextReview(BaseModel):
    """When the hold is looked at again."""

    model_config = ConfigDict(extra="forbid")

    review_on: date = Field(examples=["2027-01-01"])
    row_version: int | None = Field(None, description="as read; a hold changed meanwhile is then a conflict")


class Lifting(BaseModel):
    """On whose authority a hold is lifted, and why."""

    model_config = ConfigDict(extra="forbid")

    authority: str = Field(max_length=200, examples=["检察院撤回函〔2026〕9号"])
    reason: str = Field(max_length=2000, examples=["案件已结"])
    row_version: int | None = None


class HoldsWish(BaseModel):
    """Which holds, and which part of the list."""

    state: Literal["in_force", "review", "lifted", "all"] = "in_force"
    after: int = Field(0, ge=0, le=2**53)
    limit: int = Field(50, ge=1, le=200)


@router.get("", summary="Holds")
def list_holds(visit: ApiVisit, wish: Annotated[HoldsWish, Query()]) -> Page[HoldListed]:
    """Holds that the caller may know of, newest first."""
    visit.require(Permission.HOLD_READ)
    with visit.reading() as session:
        found = views_holds.lines(session, visit, wish.state, after=wish.after, limit=wish.limit + 1)
    following = str(found[wish.limit - 1].seq) if len(found) > wish.limit else None
    return Page(items=[HoldListed.model_validate(one) for one in found[: wish.limit]], next=following)


@router.post("", summary="Place a hold", status_code=201)
def place(visit: ApiVisit, given: NewHold) -> HoldTold:
    """Put records and case files on hold, at once; a case file is held with the papers yet to come."""
    visit.require(Permission.HOLD_PLACE)
    told = holding.NewHold(given.title, given.authority, given.reason, given.reference, given.review_on)
    with visit.writing() as session:
        hold = holding.place(
            session,
            archive=visit.site.archive,
            actor=visit.person,
            told=told,
            record_ids=given.record_ids,
            case_file_ids=given.case_file_ids,
            hold_id=given.id,
        )
        session.flush()
        return HoldTold.model_validate(views_holds.view(session, visit, hold.id))


@router.get("/{hold_id}", summary="One hold")
def show(visit: ApiVisit, hold_id: str) -> HoldTold:
    """A hold that the caller may know of."""
    visit.require(Permission.HOLD_READ)
    with visit.reading() as session:
        return HoldTold.model_validate(views_holds.view(session, visit, hold_id))


@router.post("/{hold_id}/review", summary="Looked at it again: the hold stands")
def review(visit: ApiVisit, hold_id: str, given: NextReview) -> HoldTold:
    """Set the day on which the hold is looked at again."""
    visit.require(Permission.HOLD_PLACE)
    with visit.writing() as session:
        holding.review(
            session,
            archive=visit.site.archive,
            actor=visit.person,
            hold_id=hold_id,
            review_on=given.review_on,
            row_version=given.row_version,
        )
        session.flush()
        return HoldTold.model_validate(views_holds.view(session, visit, hold_id))


@router.post("/{hold_id}/lift", summary="Lift a hold")
def lift(visit: ApiVisit, hold_id: str, given: Lifting) -> HoldTold:
    """End a hold; it takes effect when the ledger entry is sealed, within a minute. Whoever placed it does not lift it."""
    visit.require(Permission.HOLD_LIFT)
    with visit.writing() as session:
        holding.lift(
            session,
            archive=visit.site.archive,
            actor=visit.person,
            hold_id=hold_id,
            authority=given.authority,
            reason=given.reason,
            row_version=given.row_version,
        )
        session.flush()
        return HoldTold.model_validate(views_holds.view(session, visit, hold_id))
