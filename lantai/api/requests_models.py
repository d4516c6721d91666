"""What the API takes and gives about requests for access and grants."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from lantai.api.models import Answer

_ID = "0d64c19b-c77f-47a3-9741-3e5e0f99f663"
_RECORD = "529f2537-4516-498d-8c57-03cf44b53f02"


class _Given(BaseModel):
    model_config = ConfigDict(extra="forbid")


class GivenLetter(_Given):
    """A letter: its file's name and its bytes as base64 (PDF, JPEG or PNG, at most 5 MB)."""

    name: str = Field(max_length=300, examples=["公函.pdf"])
    data: str = Field(max_length=7_200_000, examples=["JVBERi0xLjcK"])


class NewRequest(_Given):
    """A request; exactly one of ``record_ids``, ``household_no`` and ``words`` says what is asked for.

    ``details`` holds what the kind of requester must bring: legal_basis, case_reference, officer_1, officer_2, identity,
    mandate, plan_number.
    """

    requester: str = Field(max_length=48, description="kind of borrower", examples=["other_department"])
    record_ids: list[str] = Field([], max_length=200, examples=[[_RECORD]])
    household_no: str = Field("", max_length=40, examples=[""])
    words: str = Field("", max_length=1000, examples=[""])
    purpose: str = Field(max_length=48, examples=["inter_agency_verification"])
    purpose_text: str = Field(max_length=4000, examples=["核对医疗救助待遇"])
    form: Literal["screen", "copy"] = "screen"
    numbers: Literal["masked", "full"] = "masked"
    days: int = Field(0, ge=0, le=3660, description="0: as the profile says", examples=[3])
    details: dict[str, str] = Field({}, examples=[{"legal_basis": "社会救助暂行办法第十七条"}])
    letter: GivenLetter | None = None


class Words(_Given):
    """Words of a step; ``row_version``: of the request as the caller saw it, so that nobody acts on an old state."""

    words: str = Field(max_length=4000, examples=["2025 年"])
    row_version: int | None = Field(None, examples=[1])


class Seen(_Given):
    """The state of the request that the caller saw."""

    row_version: int | None = Field(None, examples=[1])


class Longer(_Given):
    """Asking for a grant to last longer."""

    days: int = Field(ge=1, le=3660, examples=[3])
    words: str = Field(max_length=4000, examples=["尚未核对完"])


class Named(_Given):
    """Records that a request means."""

    record_ids: list[str] = Field(max_length=200, examples=[[_RECORD]])


class GivenDecision(_Given):
    """A decision: ``whole`` grants all that can be granted, ``part`` what is named, ``refused`` needs a reason of the list."""

    decision: Literal["whole", "part", "refused"] = Field(examples=["part"])
    record_ids: list[str] = Field([], max_length=500, examples=[[_RECORD]])
    case_file_ids: list[str] = Field([], max_length=50)
    reason: str = Field("", max_length=48, examples=[""])
    words: str = Field("", max_length=4000)
    form: Literal["", "screen", "copy"] = ""
    numbers: Literal["", "masked", "full"] = ""
    days: int = Field(0, ge=0, le=3660, description="0: as asked for", examples=[3])
    sighted: list[str] = Field([], max_length=10, examples=[[]])
    row_version: int = Field(examples=[1])


class RequestLine(Answer):
    """A request in a list. ``wanted``: in the asker's words; whether it is in the holdings is not said."""

    id: str = Field(examples=[_ID])
    number: str = Field(examples=["JY2026-000001"])
    asker: str
    organ: str
    requester: str
    purpose: str
    wanted: str
    state: str = Field(examples=["submitted"])
    decision: str | None
    days: int
    renews: str | None
    submitted_at: datetime | None
    ends_at: datetime | None
    days_left: int | None


class Step(Answer):
    """A step of a request."""

    at: datetime
    act: str = Field(examples=["decided"])
    what: str
    note: str
    who: str


class Thing(Answer):
    """A record or case file of a request; ``bar`` says why it cannot be granted: level, redacted, others, gone."""

    kind: str = Field(examples=["record"])
    id: str
    title: str
    note: str
    shows: str
    bar: str | None
    granted: bool
    level: str
    shared: bool = Field(description="it stands in several household files and tells of each of them")


class Grant(Answer):
    """A grant: what it permits, until when."""

    id: str
    permissions: list[str] = Field(examples=[["record.read", "search"]])
    starts_at: datetime
    ends_at: datetime
    days_left: int
    renewals: int
    in_force: bool
    revoke_reason: str


class RequestShown(RequestLine):
    """A request with its story; ``things`` is empty for its asker until something is granted."""

    row_version: int
    purpose_text: str
    form: str
    numbers: str
    details: dict[str, str]
    record_ids: list[str]
    household_no: str
    words: str
    refuse_reason: str | None
    approver_role: str
    has_letter: bool
    acts: list[str] = Field(description="what the caller may do now", examples=[["decide", "question"]])
    story: list[Step]
    things: list[Thing]
    grant: Grant | None


class Reading(Answer):
    """A grant in force, the request that it came of, and what it names."""

    grant: Grant
    request: RequestLine
    things: list[Thing]


class Filed(Answer):
    """The request that was made."""

    id: str = Field(examples=[_ID])


class Added(Answer):
    """How many records were added to what a request means."""

    added: int
