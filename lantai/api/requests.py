"""Requests for access and grants, for programs: all that the pages do."""

from __future__ import annotations

import base64
import binascii
from typing import Annotated, Literal

from fastapi import Header, Query, Response

from access import requests
from access.letters import Letter
from access.request_decisions import Decision
from access.request_rules import Asking
from lantai.api.models import PROBLEMS, Page
from lantai.api.requests_models import (
    Added,
    Filed,
    GivenDecision,
    GivenLetter,
    Grant,
    Longer,
    Named,
    NewRequest,
    Reading,
    RequestLine,
    RequestShown,
    Seen,
    Step,
    Thing,
    Words,
)
from lantai.part import ApiPart
from lantai.web import requesting, views_reading, views_requests
from lantai.web.pages.files import disposition
from lantai.web.security import FILE_POLICY
from lantai.web.visit import ApiVisit, Visit
from metadata.errors import Invalid
from metadata.rights import Permission

router = ApiPart(tags=["requests"], responses=PROBLEMS)


@router.get("/requests", summary="List requests for access")
def listed(
    visit: ApiVisit,
    view: Literal["mine", "waiting", "about"] = "mine",
    after: Annotated[int, Query(ge=0, le=2**62, description="`next` of the page before")] = 0,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> Page[RequestLine]:
    """The caller's own, those that wait for her decision, or those about files that she holds; newest first."""
    profile = visit.site.archive.profile
    with visit.reading() as session:
        if view == "waiting":
            rows = requests.waiting_for(session, visit.person, profile, limit=limit)
        elif view == "about":
            rows = requests.about(session, visit.person, profile, before=after, limit=limit)
        else:
            rows = requests.mine(session, visit.person, before=after, limit=limit)
        lines = views_requests.lines(session, visit, rows)
    more = view != "waiting" and len(lines) == limit
    return Page(items=[RequestLine.model_validate(one) for one in lines], next=str(lines[-1].seq) if more else None)


@router.post("/requests", summary="File a request", status_code=201)
def filed(
    visit: ApiVisit,
    given: NewRequest,
    idempotency_key: Annotated[str | None, Header(min_length=1, max_length=200)] = None,
) -> Filed:
    """File a request with its letter. With ``Idempotency-Key`` the same call is one request however often it is sent."""
    visit.require(Permission.REQUEST_FILE)
    asking = Asking(
        requester=given.requester,
        wanted=requesting.wanted_of(given.record_ids, given.household_no, given.words),
        purpose=given.purpose,
        purpose_text=given.purpose_text,
        form=given.form,
        numbers=given.numbers,
        days=given.days,
        details=given.details,
    )
    letter = _letter(visit, given.letter) if given.letter is not None else None
    return Filed(id=requesting.file(visit, asking, letter, idempotency_key or ""))


def _letter(visit: Visit, given: GivenLetter) -> Letter:
    try:
        data = base64.b64decode(given.data, validate=True)
    except (binascii.Error, ValueError) as error:
        raise Invalid(
            "letter.not_base64", zh="公函内容须为 base64 编码。", en="The letter's bytes are given as base64."
        ) from error
    return requesting.letter_of(visit, given.name, data)


@router.get("/requests/{request_id}", summary="A request with its story")
def shown(visit: ApiVisit, request_id: str) -> RequestShown:
    """For its asker, its approver, and who holds what it asks for. Others' looks are entered in the use register."""
    with visit.writing() as session:
        found = views_requests.shown(session, visit, request_id)
    return RequestShown(
        **RequestLine.model_validate(found.line).model_dump(),
        row_version=found.row_version,
        purpose_text=found.purpose_text,
        form=found.form,
        numbers=found.numbers,
        details=dict(found.details),
        record_ids=list(found.wanted.record_ids),
        household_no=found.wanted.household_no,
        words=found.wanted.words,
        refuse_reason=found.refuse_reason,
        approver_role=found.approver_role,
        has_letter=bool(found.letter_type),
        acts=sorted(found.acts),
        story=[Step.model_validate(one) for one in found.story],
        things=[Thing.model_validate(one) for one in found.things],
        grant=Grant.model_validate(found.grant) if found.grant else None,
    )


@router.get(
    "/requests/{request_id}/letter",
    summary="The letter of a request",
    response_class=Response,
    responses={200: {"content": {"application/octet-stream": {}}, "description": "the letter's bytes"}},
)
def letter(visit: ApiVisit, request_id: str) -> Response:
    """The bytes as they came, for who may read the request."""
    with visit.writing() as session:
        found = views_requests.letter(session, visit, request_id)
    headers = {"Content-Disposition": disposition("attachment", found.name), "Content-Security-Policy": FILE_POLICY}
    return Response(found.data, media_type=found.media_type, headers=headers)


@router.post("/requests/{request_id}/answer", summary="Answer a question", status_code=204)
def answered(visit: ApiVisit, request_id: str, given: Words) -> Response:
    """The asker answers; the request waits for the decision again."""
    requesting.answer(visit, request_id, given.words, given.row_version)
    return Response(status_code=204)


@router.post("/requests/{request_id}/withdrawal", summary="Withdraw a request", status_code=204)
def withdrawn(visit: ApiVisit, request_id: str, given: Seen) -> Response:
    """The asker takes an undecided request back."""
    requesting.withdraw(visit, request_id, given.row_version)
    return Response(status_code=204)


@router.post("/requests/{request_id}/renewal", summary="Ask for longer", status_code=201)
def renewed(
    visit: ApiVisit,
    request_id: str,
    given: Longer,
    idempotency_key: Annotated[str | None, Header(min_length=1, max_length=200)] = None,
) -> Filed:
    """A request of its own, decided by the same approver."""
    made = requesting.ask_longer(visit, request_id, days=given.days, said=given.words, key=idempotency_key or "")
    return Filed(id=made)


@router.post("/requests/{request_id}/question", summary="Ask the asker something", status_code=204)
def questioned(visit: ApiVisit, request_id: str, given: Words) -> Response:
    """The approver asks back."""
    requesting.ask_back(visit, request_id, given.words, given.row_version)
    return Response(status_code=204)


@router.post("/requests/{request_id}/records", summary="Name the records that a request means")
def named(visit: ApiVisit, request_id: str, given: Named) -> Added:
    """By who holds the files or decides, before the decision; what the caller may not list is passed over."""
    return Added(added=requesting.name_records(visit, request_id, given.record_ids))


@router.post("/requests/{request_id}/decision", summary="Decide a request", status_code=204)
def decided(visit: ApiVisit, request_id: str, given: GivenDecision) -> Response:
    """Grant whole or in part, or refuse; by the approver that the rule names, never the asker."""
    granted: frozenset[tuple[str, str]] = frozenset()
    if given.decision == "whole":
        granted = requesting.everything(visit, request_id)
    elif given.decision == "part":
        granted = frozenset(
            [("record", one) for one in given.record_ids] + [("case_file", one) for one in given.case_file_ids]
        )
    if given.decision != "refused" and not granted:
        requesting.require_seat(visit, request_id)
        raise Invalid(
            "request.nothing_chosen",
            zh="没有选择任何可以提供的档案。请选择档案，或不予同意。",
            en="Nothing that can be granted was chosen. Choose records, or refuse.",
        )
    decision = Decision(
        granted=granted,
        reason=given.reason,
        said=given.words,
        form=given.form,
        numbers=given.numbers,
        days=given.days,
        sighted=frozenset(given.sighted),
    )
    requesting.decide(visit, request_id, decision, given.row_version)
    return Response(status_code=204)


@router.get("/grants", summary="Grants in force")
def grants_in_force(visit: ApiVisit, view: Literal["mine", "given"] = "mine") -> list[Reading]:
    """What the caller may read now, the first to end first; ``given``: those that she may take back or that concern her files."""
    with visit.reading() as session:
        found = views_reading.readable_now(session, visit) if view == "mine" else views_reading.given_by(session, visit)
    return [Reading.model_validate(one) for one in found]


@router.post("/grants/{request_id}/return", summary="Give a grant back", status_code=204)
def given_back(visit: ApiVisit, request_id: str, given: Seen) -> Response:
    """The borrower has done with it before its end. ``request_id``: of the request that it came of."""
    requesting.give_back(visit, request_id, given.row_version)
    return Response(status_code=204)


@router.post("/grants/{request_id}/revocation", summary="Revoke a grant", status_code=204)
def revoked(visit: ApiVisit, request_id: str, given: Words) -> Response:
    """Take a grant back at once; by its approver, with a reason."""
    requesting.revoke(visit, request_id, given.words)
    return Response(status_code=204)
