"""Describing a deposit's records: one row a record, guesses filled in, one button for all that are very likely."""

from __future__ import annotations

from typing import Any

from fastapi import Response
from fastapi.responses import RedirectResponse

from lantai.part import Part
from lantai.web import describing, views_confirming
from lantai.web.options import document_types, programmes
from lantai.web.rendering import page, query
from lantai.web.visit import Form, Posted, SignedVisit, Visit
from metadata.errors import Invalid

router = Part()
_PAGE = 50
_DIGITS = 10


@router.get("/submissions/{submission_id}/describe")
def show(visit: SignedVisit, submission_id: str, after: int = -1) -> Response:
    """The deposit's records, fifty a page."""
    return _page(visit, submission_id, after)


@router.post("/submissions/{submission_id}/describe")
def save(visit: SignedVisit, submission_id: str, form: Form) -> Response:
    """Keep the page as it stands, or confirm everything that is very likely; on a fault nothing typed is lost."""
    given = form.text("after")
    after = int(given) if given.isdecimal() and len(given) < _DIGITS else -1
    typed = _typed(form)
    sure = form.text("act") == "sure"
    try:
        describing.give_typed(visit, submission_id, typed, form.text("programme"), sure=sure)
    except Invalid as error:
        wrong = describing.faults(error, visit.language)
        return _page(visit, submission_id, after, typed=typed, wrong=wrong, sentence=error.sentence(visit.language))
    following = "" if sure else form.text("following")
    if following.isdecimal():
        return RedirectResponse(f"/submissions/{submission_id}/describe" + query({}, after=following), 303)
    if sure:
        return RedirectResponse(
            f"/submissions/{submission_id}/describe" + (query({}, after=after) if after >= 0 else ""), 303
        )
    return RedirectResponse(f"/submissions/{submission_id}", 303)


def _typed(form: Posted) -> dict[int, dict[str, str]]:
    typed: dict[int, dict[str, str]] = {}
    for name in form.fields:
        kind, _, position = name.partition(".")
        if kind in views_confirming.FIELDS and position.isdecimal() and len(position) < _DIGITS:
            typed.setdefault(int(position), {})[kind] = form.text(name)
    return typed


def _page(
    visit: Visit,
    submission_id: str,
    after: int,
    *,
    typed: dict[int, dict[str, str]] | None = None,
    wrong: dict[str, dict[str, str]] | None = None,
    sentence: str = "",
) -> Response:
    with visit.reading() as session:
        submission = describing.deposit_of(session, visit, submission_id)
        describing.require(session, visit, submission)
        some = views_confirming.plans(session, submission_id, after=after, limit=_PAGE + 1)
        rows = views_confirming.rows(session, visit, submission, some[:_PAGE])
        total, said = views_confirming.counted(session, submission_id)
        context: dict[str, Any] = {
            "open": describing.may(session, visit, submission),
            "sure": views_confirming.sure(session, visit, submission_id),
            "title": submission.title,
            "state": submission.state,
        }
    for row in rows:
        row.values = {**row.values, **(typed or {}).get(row.position, {})}
        row.errors = (wrong or {}).get(row.record_id, {})
    known = visit.site.archive.profile.programmes
    return page(
        visit,
        "confirming.html",
        room="deposit",
        status=422 if wrong else 200,
        submission_id=submission_id,
        rows=rows,
        total=total,
        said=said,
        after=after,
        following=some[_PAGE - 1].position if len(some) > _PAGE else None,
        sentence=sentence,
        document_types=document_types(visit),
        programmes=programmes(visit),
        programme=next((row.programme for row in rows if row.programme), next(iter(known), "")),
        **context,
    )
