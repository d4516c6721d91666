"""Four-property reports (四性检测报告): of a deposit, of a household file, of a record; as page, JSON and PDF; filing one."""

from __future__ import annotations

import secrets
from contextlib import AbstractContextManager
from typing import Annotated, Any

from fastapi import Query, Response
from fastapi.responses import RedirectResponse

from ingest.report import Report
from lantai import i18n, reporting
from lantai.part import Part
from lantai.report_pdf import render
from lantai.reporting import Wanted
from lantai.web import views_submissions
from lantai.web.rendering import page, query
from lantai.web.visit import Form, SignedVisit, Visit
from metadata.errors import Invalid
from metadata.household import check_household_no
from metadata.rights import Permission

router = Part()
Programme = Annotated[str, Query(max_length=16)]
FINDINGS_SHOWN = 200
"""Findings of one item on the page; the JSON has them all."""
SHAPES = {
    "pass": "ok",
    "warn": "look",
    "fail": "bad",
    "not_applicable": "plain",
    "not_checked": "look",
    "manual": "plain",
}


def made(visit: Visit, wanted: Wanted) -> Report:
    """The report for this person, her look entered; ``NotFound`` as the gate says it."""
    if wanted.kind == "submission":
        if not visit.may(Permission.ACCEPT):
            visit.require(Permission.DEPOSIT)
        with visit.reading() as session:
            views_submissions.get(session, visit, wanted.subject)
        return reporting.report_of(visit.site, visit.person, wanted)
    with _refusals(visit, wanted), visit.writing() as session:
        reporting.enter_look(session, visit.site, visit.person, wanted, reason=visit.purpose, call_id=visit.request_id)
    return reporting.report_of(visit.site, visit.person, wanted)


def _refusals(visit: Visit, wanted: Wanted) -> AbstractContextManager[None]:
    if wanted.kind == "record":
        return visit.noting_refusal(wanted.subject)
    return visit.noting_refusal(case_file=wanted.subject)


def household(number: str, programme: str = "") -> Wanted:
    """The report of a household's file in a programme, else of its first."""
    try:
        number = check_household_no(number)
    except Invalid:
        number = number.strip().upper()
    return Wanted("household", number, programme or None)


def _shown(visit: Visit, wanted: Wanted, path: str, back: tuple[str, str], asked: dict[str, str]) -> Response:
    report = made(visit, wanted)
    told = report.as_dict()
    context: dict[str, Any] = {
        "report": told,
        "parts": [(row, _items(told, row["property"])) for row in told["summary"]],
        "shapes": SHAPES,
        "most": FINDINGS_SHOWN,
        "path_of": path,
        "asked": query(asked),
        "stages": _stages(visit, path, wanted.stage) if wanted.kind == "submission" else [],
        "trail": (back,),
        "files_it": visit.may(Permission.ACCEPT),
        "key": secrets.token_urlsafe(12),
        "fields": asked,
    }
    return page(visit, "report.html", room="deposit" if wanted.kind == "submission" else "holdings", **context)


def _items(told: dict[str, Any], code: str) -> list[dict[str, Any]]:
    return [one for one in told["items"] if one["property"] == code]


def _stages(visit: Visit, path: str, here: str) -> list[tuple[str, str, bool]]:
    _ = i18n.translations(visit.language).gettext
    return [
        (_("Filing"), path, here == "G"),
        (_("Hand-over and receipt"), path + "?stage=T", here == "T"),
    ]


def json_answer(report: Report) -> Response:
    """The report as a JSON document."""
    return Response(reporting.as_json(report.as_dict()), media_type="application/json")


def pdf_answer(visit: Visit, report: Report) -> Response:
    """The report as PDF, in the person's language."""
    told = report.as_dict()
    name = f"four-property-report-{report.subject.kind}-{report.subject.id}.pdf"
    return Response(
        render(told, visit.language),
        media_type="application/pdf",
        headers={"Content-Disposition": f'inline; filename="{name}"'},
    )


def _file(visit: Visit, wanted: Wanted, form: Form) -> Response:
    """File the report, once for each page that was shown; on to the deposit that brings it."""
    visit.require(Permission.ACCEPT)
    if wanted.kind == "submission":
        with visit.reading() as session:
            views_submissions.get(session, visit, wanted.subject)
    else:
        with _refusals(visit, wanted), visit.writing() as session:
            reporting.enter_look(
                session, visit.site, visit.person, wanted, reason=visit.purpose, call_id=visit.request_id
            )
    submission_id = reporting.file_report(
        visit.site,
        visit.person,
        wanted,
        key=form.text("key") or secrets.token_urlsafe(12),
        language=visit.language,
    )
    return RedirectResponse(f"/submissions/{submission_id}", 303)


# -- of a deposit


def _deposit(submission_id: str, stage: str) -> Wanted:
    return Wanted("submission", submission_id, stage=stage)


@router.get("/submissions/{submission_id}/report")
def of_submission(visit: SignedVisit, submission_id: str, stage: str = "G") -> Response:
    """The report of a deposit."""
    _ = i18n.translations(visit.language).gettext
    path = f"/submissions/{submission_id}/report"
    asked = {"stage": stage if stage != "G" else ""}
    return _shown(visit, _deposit(submission_id, stage), path, (_("Deposit"), f"/submissions/{submission_id}"), asked)


@router.get("/submissions/{submission_id}/report.json")
def of_submission_json(visit: SignedVisit, submission_id: str, stage: str = "G") -> Response:
    """The report of a deposit as JSON."""
    return json_answer(made(visit, _deposit(submission_id, stage)))


@router.get("/submissions/{submission_id}/report.pdf")
def of_submission_pdf(visit: SignedVisit, submission_id: str, stage: str = "G") -> Response:
    """The report of a deposit as PDF."""
    return pdf_answer(visit, made(visit, _deposit(submission_id, stage)))


@router.post("/submissions/{submission_id}/report")
def file_of_submission(visit: SignedVisit, submission_id: str, form: Form) -> Response:
    """File the report of a deposit."""
    return _file(visit, _deposit(submission_id, form.text("stage") or "G"), form)


# -- of a household file


@router.get("/households/{household_no}/report")
def of_household(visit: SignedVisit, household_no: str, programme: Programme = "") -> Response:
    """The report of a household file."""
    _ = i18n.translations(visit.language).gettext
    wanted = household(household_no, programme)
    path = f"/households/{wanted.subject}/report"
    return _shown(visit, wanted, path, (_("Household file"), f"/households/{wanted.subject}"), {"programme": programme})


@router.get("/households/{household_no}/report.json")
def of_household_json(visit: SignedVisit, household_no: str, programme: Programme = "") -> Response:
    """The report of a household file as JSON."""
    return json_answer(made(visit, household(household_no, programme)))


@router.get("/households/{household_no}/report.pdf")
def of_household_pdf(visit: SignedVisit, household_no: str, programme: Programme = "") -> Response:
    """The report of a household file as PDF."""
    return pdf_answer(visit, made(visit, household(household_no, programme)))


@router.post("/households/{household_no}/report")
def file_of_household(visit: SignedVisit, household_no: str, form: Form) -> Response:
    """File the report of a household file, in that file."""
    return _file(visit, household(household_no, form.text("programme")), form)


# -- of a record


@router.get("/records/{record_id}/report")
def of_record(visit: SignedVisit, record_id: str) -> Response:
    """The report of one record."""
    _ = i18n.translations(visit.language).gettext
    path = f"/records/{record_id}/report"
    return _shown(visit, Wanted("record", record_id), path, (_("Record"), f"/records/{record_id}"), {})


@router.get("/records/{record_id}/report.json")
def of_record_json(visit: SignedVisit, record_id: str) -> Response:
    """The report of one record as JSON."""
    return json_answer(made(visit, Wanted("record", record_id)))


@router.get("/records/{record_id}/report.pdf")
def of_record_pdf(visit: SignedVisit, record_id: str) -> Response:
    """The report of one record as PDF."""
    return pdf_answer(visit, made(visit, Wanted("record", record_id)))


@router.post("/records/{record_id}/report")
def file_of_record(visit: SignedVisit, record_id: str, form: Form) -> Response:
    """File the report of one record."""
    return _file(visit, Wanted("record", record_id), form)
