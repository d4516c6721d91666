"""What the API answers with: plain values, ids as text, times as RFC 3339 in UTC."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field

Item = TypeVar("Item")


class Answer(BaseModel):
    """Root of all answers; read models of the pages turn into them by their attributes."""

    model_config = ConfigDict(from_attributes=True)


class Problem(BaseModel):
    """Problem details (RFC 9457). ``code`` is stable; the words are for people."""

    type: str = Field(examples=["urn:lantai:problem:record.not_found"])
    title: str = Field(examples=["没有找到"])
    status: int = Field(examples=[404])
    detail: str = Field(examples=["没有这件档案，或您无权查看。请核对编号；如工作需要，请申请借阅。"])
    code: str = Field(examples=["record.not_found"])
    zh: str = Field("", description="the sentence in Chinese, whatever language was asked for")
    en: str = Field("", description="the sentence in English")
    params: dict[str, Any] | None = None
    request_id: str | None = None


class Page(Answer, Generic[Item]):
    """One page of a list; ``next`` is what to give as ``after`` for the following page, none at the end."""

    items: list[Item]
    next: str | None = Field(None, examples=["50"])


class SignIn(BaseModel):
    """Name and password of an account."""

    username: str = Field(max_length=200, examples=["demo-archivist"])
    password: str = Field(max_length=1000)


class Session(Answer):
    """Who is signed in, and the token for requests that change something."""

    username: str = Field(examples=["demo-archivist"])
    name: str
    organ_id: str | None
    roles: list[str] = Field(examples=[["archivist"]])
    permissions: list[str] = Field(examples=[["record.read", "search"]])
    csrf_token: str = Field(description="bring it in the header X-CSRF-Token")


class NewToken(BaseModel):
    """An access token to be made."""

    model_config = ConfigDict(extra="forbid")

    label: str = Field(max_length=100, description="what it is for", examples=["scanner PC"])
    days: int = Field(365, ge=1, le=3650, description="how long it lasts")
    permissions: list[str] = Field(
        [], description="what it may do at most; none named: all that the account may", examples=[["deposit"]]
    )


class Token(Answer):
    """An access token without its text; ``state``: live, expired, revoked."""

    id: str
    username: str
    label: str
    permissions: list[str]
    state: str = Field(examples=["live"])
    created_at: datetime
    expires_at: datetime
    last_used_at: datetime | None


class TokenMade(Token):
    """A new access token with its text, told this once."""

    token: str = Field(examples=["lantai_…"])


class NewSubmission(BaseModel):
    """A deposit that begins; empty fields say nothing."""

    model_config = ConfigDict(extra="forbid")

    title: str = Field("", max_length=300, examples=["三月入户调查材料"])
    household_no: str = Field("", max_length=40, examples=["9901010010010001236"])
    programme: str = Field("", max_length=16, examples=["DB"])
    document_type: str = Field("", max_length=16, examples=["CHK07"])
    one_record: bool = Field(False, description="all files are one document")
    leave_out: bool = Field(False, description="leave faulty papers out and let the others go on")
    channel: Literal["api", "web"] = Field("api", description="web: the page of this site with scripts")
    idempotency_key: str = Field("", max_length=60, description="as the header Idempotency-Key, which goes before")


class Submission(Answer):
    """A deposit and how far it has come; ``state`` ends in done, rejected, returned or failed, or waits for a person."""

    id: str
    title: str
    organ: str
    state: str = Field(examples=["waiting"])
    step: str
    files: int
    bytes: int
    records: int
    findings: int = Field(description="errors and warnings")
    done: int = Field(description="steps done")
    total: int = Field(description="steps in all")
    channel: str
    household_no: str
    programme: str
    profile_version: str
    error: str
    created_at: datetime
    updated_at: datetime


class Received(Answer):
    """A file that was taken in."""

    path: str
    size: int


class FindingLine(Answer):
    """A finding in words of the caller's language."""

    code: str = Field(examples=["format.extension_mismatch"])
    severity: str = Field(examples=["warning"])
    sentence: str
    path: str | None
    advice: str
    clause: str
    outcome: str = Field(examples=["warn"], description="pass, warn, fail, not_applicable, not_checked or manual")
    params: dict[str, Any]
    zh: str = Field(description="the sentence in Chinese")
    en: str = Field(description="the sentence in English")


class Decision(BaseModel):
    """Why a deposit goes back."""

    reason: str = Field("", max_length=2000)


class UseEntry(Answer):
    """One line of the use register."""

    id: str
    at: datetime
    act: str = Field(examples=["record.viewed"])
    actor_id: str
    actor_name: str = Field(description="masked for people of organs that the caller has nothing to do with")
    organ_id: str | None
    organ_name: str
    record_id: str | None
    case_file_id: str | None
    file_id: str | None
    page: int | None = Field(description="page of the file")
    reason: str = Field(description="code of a purpose of the profile, or words", examples=["case_handling"])
    form: str = Field(description="screen, print, download, export, api, report; empty for steps of a request")
    request_id: str | None = Field(description="the request for access under whose grant it was")
    permission: str | None = Field(description="the right that was lacking, when it was refused")
    count: int | None = Field(description="rows of a list that was taken out")


class UseRegister(Page[UseEntry]):
    """A page of the use register; ``totals`` when asked for: looks by form among the newest 10,000."""

    totals: dict[str, int] | None = Field(None, examples=[{"screen": 120, "download": 3}])


class ReplicaLine(Answer):
    """One replica."""

    name: str
    objects: int
    intact: int
    unchecked: int
    faults: int
    last_audit: datetime | None
    oldest: datetime | None


class Preservation(Answer):
    """Is everything still there and unchanged?"""

    sentence: str
    kind: str = Field(description="ok, run (waits for its first re-reading), look, bad or plain", examples=["ok"])
    replicas: list[ReplicaLine]
    open_incidents: int


class Incident(Answer):
    """One incident; ``who`` ended it."""

    id: str
    words: str
    replica: str
    done: str
    state: str
    opened_at: datetime
    who: str = ""


class RepairWish(BaseModel):
    """Which incidents to mend; none named means every open one."""

    incident_ids: list[str] | None = Field(None, min_length=1, max_length=500)


class Begun(BaseModel):
    """A job that was given to the workers."""

    job: str


class IndexRebuild(Answer):
    """How far a rebuild of the index that runs now has come."""

    done: int
    total: int
    began_at: str | None


class SitePart(Answer):
    """A part of the site: ``ok``, ``degraded`` (something waits), ``down`` or ``not_checked``."""

    name: str
    state: str
    zh: str
    en: str
    since: datetime | None = Field(description="from when it has been so, as far as is known")
    needed: bool = Field(description="without it nobody can be served")


class IndexRefused(Answer):
    """An entry that the engine would not have; it is tried again every ten minutes."""

    id: str
    kind: str = Field(description="`record` or `case_file`")
    reason: str = Field(description="the engine's own word")
    at: str


class IndexState(Answer):
    """How far the search index is behind the catalogue, and when it was made."""

    engine: str = Field(description="`embedded` or `elasticsearch`")
    usable: bool
    pending: int = Field(description="changes of the catalogue that the index does not show yet")
    oldest_at: datetime | None
    oldest_seconds: int
    generation: str | None
    documents: int | None
    built_at: datetime | None = Field(description="the last rebuild of this generation; none before the first")
    built_documents: int | None
    built_seconds: int | None
    rebuilding: IndexRebuild | None
    refused: list[IndexRefused] = Field(description="what is not in the index because the engine refuses it")


class Due(BaseModel):
    """A record that is due for appraisal."""

    record_id: str
    title: str
    rule_id: str
    due_on: str | None


class Rule(Answer):
    """A rule of the retention schedule with its citation."""

    id: str
    covers: str
    period: str
    trigger: str
    basis: str
    version: str
    status: str
    effective_on: str


class Explanation(Answer):
    """Why and until when a record is kept."""

    outcome: str = Field(examples=["due"])
    rule_id: str
    trigger: str
    trigger_on: str | None
    due_on: str | None
    waiting_for: str | None
    citation: str
    status: str
    profile_version: str
    story: list[str]


PROBLEMS: dict[int | str, dict[str, Any]] = {
    status: {"model": Problem, "description": words, "content": {"application/problem+json": {}}}
    for status, words in (
        (401, "Nobody is signed in"),
        (403, "The role does not permit it, or the token is missing"),
        (404, "Nothing there, or nothing the caller may know of"),
        (422, "What was given breaks a rule"),
        (503, "A part of the site does not answer now"),
    )
}
LIMITED: dict[int | str, dict[str, Any]] = {
    **PROBLEMS,
    429: {
        "model": Problem,
        "description": "Asked too often; Retry-After says when again",
        "content": {"application/problem+json": {}},
    },
}
CONFLICT: dict[int | str, dict[str, Any]] = {
    **PROBLEMS,
    409: {
        "model": Problem,
        "description": "Somebody was first; nothing was changed",
        "content": {"application/problem+json": {}},
    },
}
