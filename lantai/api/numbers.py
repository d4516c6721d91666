"""Numbers as they are, for programs: an act with a reason, entered in the use register."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from lantai.api.models import PROBLEMS, Answer
from lantai.part import ApiPart
from lantai.web import views_numbers
from lantai.web.visit import ApiVisit

router = ApiPart(tags=["holdings"], responses=PROBLEMS)


class Reason(BaseModel):
    """Why numbers are needed, and of which page."""

    model_config = ConfigDict(extra="forbid")
    reason: str = Field(max_length=1000, examples=["compare with the pay list of the bank"])
    position: int | None = Field(default=None, ge=0, description="a file of the record, by its position", examples=[0])
    page: int = Field(default=1, ge=1, description="a page of that file", examples=[1])


class CaseReason(BaseModel):
    """Why the ID numbers of a household are needed."""

    model_config = ConfigDict(extra="forbid")
    reason: str = Field(max_length=1000, examples=["compare with the pay list of the bank"])


class Fact(Answer):
    """A line of a description."""

    name: str = Field(examples=["责任者"])
    value: str = Field(examples=["青石镇人民政府"])


class RecordNumbers(Answer):
    """A record's words with its numbers as they are; this answer is the only one that has them."""

    id: str
    title: str = Field(examples=["最低生活保障申请书"])
    description: list[Fact]
    names: list[str] = Field(description="names of its files as deposited", examples=[["申请书.pdf"]])
    text: str = Field(description="of the page asked for, its beginning; else empty")


class MemberNumber(Answer):
    """A member of the household with the ID number as it is."""

    name: str = Field(examples=["王秀英"])
    relation: str = Field(examples=["户主"])
    id_number: str = Field(description="empty when none is known")


class CaseNumbers(Answer):
    """A household's members with their ID numbers."""

    id: str
    title: str
    members: list[MemberNumber]


@router.post("/records/{record_id}/numbers", summary="Show a record's numbers as they are")
def record_numbers(visit: ApiVisit, record_id: str, given: Reason) -> RecordNumbers:
    """Title, description, file names and the text of one page, unmasked; takes the right to unmask and a reason."""
    with visit.looking(record_id) as session:
        shown = views_numbers.record_numbers(
            session, visit, record_id, given.reason, position=given.position, page=given.page
        )
    return RecordNumbers(
        id=shown.id,
        title=shown.title,
        description=[Fact(name=name, value=value) for name, value in shown.description],
        names=shown.names,
        text=shown.text,
    )


@router.post("/case-files/{case_file_id}/numbers", summary="Show a household's ID numbers as they are")
def case_numbers(visit: ApiVisit, case_file_id: str, given: CaseReason) -> CaseNumbers:
    """The members of the household with their ID numbers; takes the right to unmask and a reason."""
    with visit.looking(case_file=case_file_id) as session:
        shown = views_numbers.case_numbers(session, visit, case_file_id, given.reason)
    return CaseNumbers(
        id=shown.id, title=shown.title, members=[MemberNumber.model_validate(one) for one in shown.members]
    )
