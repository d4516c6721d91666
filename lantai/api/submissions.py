"""Deposits for programs: open, send files one by one, complete, decide."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated, Any

from fastapi import Header, Query, Request
from starlette.requests import ClientDisconnect

from lantai.api.models import CONFLICT, Decision, FindingLine, NewSubmission, Page, Received, Submission
from lantai.part import ApiPart
from lantai.web import deciding, depositing, views_submissions
from lantai.web.depositing import Wish
from lantai.web.uploads import CHUNK, broken_off, piped
from lantai.web.visit import ApiVisit, Visit
from metadata.errors import Invalid
from metadata.rights import Permission

router = ApiPart(prefix="/submissions", tags=["submissions"], responses=CONFLICT)


def _shown(visit: Visit, submission_id: str) -> Submission:
    with visit.reading() as session:
        found = views_submissions.rows(session, visit, [views_submissions.get(session, visit, submission_id)])[0]
    return Submission.model_validate(found)


@router.get("", summary="List deposits")
def listed(
    visit: ApiVisit, state: str = "all", after: int | None = None, limit: Annotated[int, Query(ge=1, le=200)] = 50
) -> Page[Submission]:
    """Deposits that the caller made or may decide about, newest first. ``state``: all, waiting, running, back, done."""
    with visit.reading() as session:
        found = views_submissions.listed(session, visit, group=state, before=after, limit=limit + 1)
    return Page[Submission](
        items=[Submission.model_validate(one) for one in found[:limit]],
        next=str(found[limit - 1].seq) if len(found) > limit else None,
    )


@router.post("", summary="Open a deposit", status_code=201)
def opened(
    visit: ApiVisit,
    given: NewSubmission,
    idempotency_key: Annotated[str | None, Header(min_length=1, max_length=200)] = None,
) -> Submission:
    """Begin a deposit. Then send each file with ``PUT …/files`` (or by parts) and end with ``POST …/complete``.

    With the header ``Idempotency-Key`` the same request is one deposit however often it is sent; the same key with
    another request is refused (422). Keys are the account's own.
    """
    wish = Wish(
        title=given.title.strip(),
        household_no=given.household_no.strip(),
        programme=given.programme.strip(),
        document_type=given.document_type.strip(),
        one_record=given.one_record,
        leave_out=given.leave_out,
    )
    found = depositing.faults(visit, wish)
    if found:
        raise depositing.refuse(visit, wish)
    submission_id = depositing.open_deposit(
        visit,
        wish,
        channel=given.channel,
        idempotency_key=idempotency_key or given.idempotency_key or None,
        exact=idempotency_key is not None,
    )
    return _shown(visit, submission_id)


async def _chunks(request: Request) -> AsyncIterator[bytes]:
    held = bytearray()
    try:
        async for chunk in request.stream():
            held += chunk
            if len(held) >= CHUNK:
                yield bytes(held)
                held.clear()
    except ClientDisconnect as error:
        raise broken_off() from error
    if held:
        yield bytes(held)


@router.put(
    "/{submission_id}/files",
    summary="Send one file",
    status_code=201,
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
        }
    },
)
async def take(
    request: Request, visit: ApiVisit, submission_id: str, path: Annotated[str, Query(min_length=1, max_length=4000)]
) -> Received:
    """The body is the file; ``path`` is its name with folders, kept exactly. An upload that breaks off leaves nothing."""
    expected = request.headers.get("content-length")
    size = await piped(_chunks(request), lambda stream: depositing.take_file(visit, submission_id, path, stream))
    if expected is not None and expected.isdigit() and int(expected) != size:
        raise Invalid(
            "deposit.short", zh="收到的字节数不对，请重新上传。", en="Not all bytes arrived; send the file again."
        )
    return Received(path=path, size=size)


@router.post("/{submission_id}/complete", summary="End the sending")
def completed(visit: ApiVisit, submission_id: str) -> Submission:
    """All files were sent: hand the deposit to the workers. Harmless when repeated."""
    depositing.complete(visit, submission_id)
    return _shown(visit, submission_id)


@router.get("/{submission_id}", summary="One deposit")
def show(visit: ApiVisit, submission_id: str) -> Submission:
    """State and counts of one deposit."""
    return _shown(visit, submission_id)


@router.get("/{submission_id}/receipt", summary="Receipt of a deposit")
def receipt(visit: ApiVisit, submission_id: str) -> dict[str, Any]:
    """What came in, with a digest over every file's digest and path in the order received (DA/T 70 A13)."""
    return depositing.receipt_of(visit, submission_id)


@router.get("/{submission_id}/findings", summary="Findings of a deposit")
def findings(
    visit: ApiVisit,
    submission_id: str,
    after: Annotated[str | None, Query(pattern=r"^\d-\d{1,18}$")] = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 200,
) -> Page[FindingLine]:
    """What the checks found, heaviest first; the words are those of the page, the notice and the command line."""
    with visit.reading() as session:
        views_submissions.get(session, visit, submission_id)
        lines, following = views_submissions.findings_after(session, visit, submission_id, after=after, limit=limit)
    return Page[FindingLine](items=[FindingLine.model_validate(one) for one in lines], next=following)


@router.post("/{submission_id}/accept", summary="Accept a deposit")
def accept(visit: ApiVisit, submission_id: str, *, leave_out: bool = False) -> Submission:
    """An archivist accepts; the workers package, store and register the records.

    ``leave_out``: faulty papers stay out and the others go on, also of a deposit that was rejected for them.
    """
    visit.require(Permission.ACCEPT)
    deciding.accept(visit, submission_id, leave_out=leave_out)
    return _shown(visit, submission_id)


@router.post("/{submission_id}/return", summary="Return a deposit")
def give_back(visit: ApiVisit, submission_id: str, given: Decision) -> Submission:
    """An archivist returns the deposit with one notice of everything that was found."""
    deciding.give_back(visit, submission_id, given.reason)
    return _shown(visit, submission_id)


@router.post("/{submission_id}/withdraw", summary="Withdraw a deposit")
def withdraw(visit: ApiVisit, submission_id: str) -> Submission:
    """The depositor or an archivist gives up a deposit whose sending never ended; what has arrived is removed."""
    deciding.withdraw(visit, submission_id)
    return _shown(visit, submission_id)


@router.post("/{submission_id}/resume", summary="Let a deposit go on")
def resume(visit: ApiVisit, submission_id: str) -> Submission:
    """A deposit that was set aside after a fault goes on from where it stopped."""
    deciding.resume(visit, submission_id)
    return _shown(visit, submission_id)
