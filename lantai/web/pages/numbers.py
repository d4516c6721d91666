"""Showing ID, bank and telephone numbers as they are: an act with a reason, for one answer, entered in the register."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Query, Response

from lantai.part import Part
from lantai.web import views_numbers
from lantai.web.rendering import page, query
from lantai.web.visit import Form, SignedVisit, Visit
from metadata.errors import Invalid

router = Part()


def _asking(visit: Visit, title: str, action: str, back: str, **more: Any) -> Response:
    found = {"reason": "", "wrong": "", "record": None, "case": None, "status": 200, **more}
    return page(visit, "numbers.html", room="holdings", title=title, action=action, back=back, **found)


@router.get("/records/{record_id}/numbers")
def ask_record(
    visit: SignedVisit, record_id: str, file: int = -1, leaf: Annotated[int, Query(alias="page", ge=0)] = 0
) -> Response:
    """The form that asks why."""
    with visit.noting_refusal(record_id), visit.reading() as session:
        title = views_numbers.may_unmask_record(session, visit, record_id)
    return _asking(visit, title, *_record_paths(record_id, file, leaf))


def _record_paths(record_id: str, file: int, leaf: int) -> tuple[str, str]:
    fields = query({}, file=None if file < 0 else file, page=leaf or None)
    return f"/records/{record_id}/numbers{fields}", f"/records/{record_id}{fields}"


@router.post("/records/{record_id}/numbers")
def show_record(
    visit: SignedVisit, form: Form, record_id: str, file: int = -1, leaf: Annotated[int, Query(alias="page", ge=0)] = 0
) -> Response:
    """The record's words with its numbers as they are, for this answer only."""
    action, back = _record_paths(record_id, file, leaf)
    reason = form.text("reason")
    try:
        with visit.looking(record_id) as session:
            shown = views_numbers.record_numbers(
                session, visit, record_id, reason, position=None if file < 0 else file, page=max(leaf, 1)
            )
    except Invalid as error:
        with visit.reading() as session:
            title = views_numbers.may_unmask_record(session, visit, record_id)
        return _asking(visit, title, action, back, reason=reason, wrong=error.sentence(visit.language), status=422)
    return _asking(visit, shown.title, action, back, reason=reason, record=shown)


@router.get("/case-files/{case_file_id}/numbers")
def ask_case(visit: SignedVisit, case_file_id: str) -> Response:
    """The form that asks why."""
    with visit.noting_refusal(case_file=case_file_id), visit.reading() as session:
        found, title = views_numbers.may_unmask_case(session, visit, case_file_id)
    return _asking(visit, title, f"/case-files/{found}/numbers", f"/case-files/{found}")


@router.post("/case-files/{case_file_id}/numbers")
def show_case(visit: SignedVisit, form: Form, case_file_id: str) -> Response:
    """The household's members with their ID numbers as they are, for this answer only."""
    reason = form.text("reason")
    action, back = f"/case-files/{case_file_id}/numbers", f"/case-files/{case_file_id}"
    try:
        with visit.looking(case_file=case_file_id) as session:
            shown = views_numbers.case_numbers(session, visit, case_file_id, reason)
    except Invalid as error:
        with visit.reading() as session:
            _found, title = views_numbers.may_unmask_case(session, visit, case_file_id)
        return _asking(visit, title, action, back, reason=reason, wrong=error.sentence(visit.language), status=422)
    return _asking(visit, shown.title, action, back, reason=reason, case=shown)
