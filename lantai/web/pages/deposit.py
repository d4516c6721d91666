"""Deposit: one page, no wizard. The form posts everything at once; with scripts files go one by one through the API."""

from __future__ import annotations

from dataclasses import replace

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse
from starlette.concurrency import run_in_threadpool

from ingest.submissions import read_submission
from lantai import i18n
from lantai.problems import BadToken
from lantai.web import depositing
from lantai.web.depositing import Wish
from lantai.web.options import document_types, programmes
from lantai.web.rendering import page
from lantai.web.security import CSRF_FIELD, same_token
from lantai.web.uploads import Field, FormStream, Upload, piped
from lantai.web.visit import SignedVisit, Visit
from metadata.household import household_no
from metadata.identifiers import new_id
from metadata.rights import Permission

router = APIRouter()
_PROGRAMME = "DB"


def _form(visit: Visit, wish: Wish, errors: dict[str, str], status: int = 200) -> Response:
    known = visit.site.archive.profile.programmes
    first = _PROGRAMME if _PROGRAMME in known else next(iter(known), "")
    return page(
        visit,
        "deposit.html",
        room="deposit",
        status=status,
        values=replace(wish, programme=wish.programme or first),
        errors=errors,
        key=new_id(),
        programmes=programmes(visit),
        document_types=document_types(visit),
        example=household_no("990101001001", 123),
    )


@router.get("/deposit")
def show(visit: SignedVisit, household_no: str = "", programme: str = "", document_type: str = "") -> Response:
    """The deposit page; a household file's page fills fields in."""
    visit.require(Permission.DEPOSIT)
    return _form(visit, Wish(household_no=household_no, programme=programme, document_type=document_type), {})


@router.post("/deposit")
async def deposit(request: Request, visit: SignedVisit) -> Response:
    """Take a whole form in while it arrives; no file is held in memory."""
    fields: dict[str, str] = {}
    submission_id = ""
    files = 0
    async for part in FormStream(request).parts():
        if isinstance(part, Field):
            fields[part.name] = part.value.strip()
            continue
        if not part.filename:
            continue
        if not submission_id:
            _check_token(visit, fields)
            wish = _wish(fields)
            found = await run_in_threadpool(depositing.faults, visit, wish)
            if found:
                return await _again(visit, wish, found, part, request)
            submission_id = await run_in_threadpool(_open, visit, wish, fields)
            if not submission_id:
                return RedirectResponse(f"/submissions/{fields['_known']}", 303)
        await _take(visit, submission_id, part)
        files += 1
    _check_token(visit, fields)
    if not files:
        _ = i18n.translations(visit.language).gettext
        wrong = {"files": _("Choose at least one file first.")}
        return await run_in_threadpool(_form, visit, _wish(fields), wrong, 422)
    await run_in_threadpool(depositing.complete, visit, submission_id)
    return RedirectResponse(f"/submissions/{submission_id}", 303)


def _check_token(visit: Visit, fields: dict[str, str]) -> None:
    """The token stands before the first file in the form, so that a foreign form is refused before a byte is kept."""
    if not same_token(visit.csrf, fields.get(CSRF_FIELD)):
        raise BadToken


def _wish(fields: dict[str, str]) -> Wish:
    return Wish(
        title=fields.get("title", ""),
        household_no=fields.get("household_no", ""),
        programme=fields.get("programme", ""),
        document_type=fields.get("document_type", ""),
        one_record=bool(fields.get("one_record")),
    )


def _open(visit: Visit, wish: Wish, fields: dict[str, str]) -> str:
    """The new submission's id; empty when the same form was sent before and has been taken in already."""
    submission_id = depositing.open_deposit(visit, wish, channel="web", idempotency_key=fields.get("idempotency_key"))
    with visit.reading() as session:
        fresh = read_submission(session, submission_id).state == "receiving"
    if not fresh:
        fields["_known"] = submission_id
    return submission_id if fresh else ""


async def _take(visit: Visit, submission_id: str, part: Upload) -> None:
    await piped(part.chunks, lambda stream: depositing.take_file(visit, submission_id, part.filename, stream))


async def _again(visit: Visit, wish: Wish, found: dict[str, str], part: Upload, request: Request) -> Response:
    """The form again with what is wrong; the rest of the body is read away so that the browser sees the answer."""
    async for _chunk in part.chunks:
        pass
    async for _rest in request.stream():
        pass
    return await run_in_threadpool(_form, visit, wish, found, 422)
