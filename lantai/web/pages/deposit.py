"""Deposit: one page, no wizard. The form posts everything at once; with scripts files go one by one through the API."""

from __future__ import annotations

from dataclasses import replace

from fastapi import Request, Response
from fastapi.responses import RedirectResponse
from starlette.concurrency import run_in_threadpool

from lantai import i18n
from lantai.part import Part
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

router = Part()
_PROGRAMME = "DB"
_TURNS = 20


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
    form = FormStream(request)
    async for part in form.parts():
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
                await form.drain()
                return await run_in_threadpool(_form, visit, wish, found, 422)
            submission_id, fresh = await run_in_threadpool(_open, visit, wish, fields.get("idempotency_key", ""))
            if not fresh:
                await form.drain()
                return RedirectResponse(f"/submissions/{submission_id}", 303)
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
        leave_out=bool(fields.get("leave_out")),
    )


def _open(visit: Visit, wish: Wish, key: str) -> tuple[str, bool]:
    """The submission's id, and whether it is new: the same form sent twice is one deposit.

    A form whose first sending broke off half-way is taken in anew, since it brings all its files again.
    """
    for turn in range(_TURNS):
        name = f"{key}-{turn}" if key and turn else key
        submission_id = depositing.open_deposit(visit, wish, channel="web", idempotency_key=name or None)
        state = depositing.standing(visit, submission_id)
        if state != "begun":
            return submission_id, state == "new"
    raise BadToken


async def _take(visit: Visit, submission_id: str, part: Upload) -> None:
    await piped(part.chunks, lambda stream: depositing.take_file(visit, submission_id, part.filename, stream))
