"""Retention: the schedule with its citations, totals of what is due, the due list; nothing is destroyed from here."""

from __future__ import annotations

from fastapi import Response
from fastapi.responses import RedirectResponse, StreamingResponse

from lantai.part import Part
from lantai.result_lists import MEDIA_TYPES
from lantai.web import views_due, views_holds, views_retention
from lantai.web.pages.files import disposition
from lantai.web.rendering import page, query
from lantai.web.visit import SignedVisit, Visit
from metadata.errors import Invalid
from metadata.rights import Permission
from retention import totals
from retention.due import DueFilter

router = Part()
_PAGE = 50
_FIELDS = ("from", "until", "organ", "rule", "category")


@router.get("/retention")
def show(visit: SignedVisit, organ: str = "", before: str = "") -> Response:
    """Totals by organ for the years to come (of one ``organ``: by rule), and the rules in force."""
    visit.require(Permission.RETENTION_READ)
    if before:
        return RedirectResponse("/retention/due" + query({"until": before}), 303)
    views_due.refresh_when_small(visit)
    rules = views_retention.rules(visit)
    with visit.reading() as session:
        table = views_due.table_of(session, visit, organ)
        counted_at = totals.counted_at(session)
        review = views_holds.lines(session, visit, "review", after=0, limit=_PAGE)
    return page(
        visit,
        "retention.html",
        room="retention",
        here_tab="schedule",
        table=table,
        organ=organ,
        counted_at=counted_at,
        review=len(review),
        rules=rules,
        unverified=sum(one.unverified for one in rules),
        rule_states=views_retention.rule_states(visit, rules),
        rules_version=visit.site.archive.profile.label,
    )


@router.get("/retention/due")
def show_due(visit: SignedVisit, after: str = "") -> Response:
    """What is due for appraisal, by day, with filters; also as CSV, as a workbook and on paper."""
    visit.require(Permission.RETENTION_READ)
    views_due.refresh_when_small(visit)
    given = _given(visit)
    if not visit.request.query_params:
        given["until"] = views_retention.today_of(visit).isoformat()  # what is due; emptying the field looks ahead
    errors: dict[str, str] = {}
    lines: list[views_due.DueLine] = []
    with visit.reading() as session:
        names = views_due.organ_names(session, visit)
        choices = views_due.choices(session, visit, names)
        try:
            filters = views_due.filters_of(given)
        except Invalid as error:
            errors["until"] = error.sentence(visit.language)
        else:
            place = views_due.place_of(after)
            lines = views_due.lines(session, visit, filters, names, after=place, limit=_PAGE + 1)
    path = "/retention/due"
    return page(
        visit,
        "retention_due.html",
        room="retention",
        status=422 if errors else 200,
        here_tab="due",
        errors=errors,
        given=given,
        choices=choices,
        lines=lines[:_PAGE],
        unverified=any(one.unverified for one in lines[:_PAGE]),
        csv=path + ".csv" + query(given),
        xlsx=path + ".xlsx" + query(given),
        first=path + query(given) if after else "",
        following=path + query(given, after=lines[_PAGE - 1].place) if len(lines) > _PAGE else "",
    )


@router.get("/retention/due.csv")
def due_as_csv(visit: SignedVisit) -> Response:
    """The due list as CSV; one entry in the use register says how many rows were taken out."""
    return _taken_out(visit, "csv")


@router.get("/retention/due.xlsx")
def due_as_xlsx(visit: SignedVisit) -> Response:
    """The due list as a workbook."""
    return _taken_out(visit, "xlsx")


def _given(visit: Visit) -> dict[str, str]:
    fields = visit.request.query_params
    return {name: fields.get(name, "").strip() for name in _FIELDS}


def _taken_out(visit: Visit, kind: str) -> Response:
    return due_file(visit, views_due.filters_of(_given(visit)), kind)


def due_file(visit: Visit, filters: DueFilter, kind: str) -> Response:
    """The due list as a file named after the day; page and API share it."""
    pieces = views_due.taken_out(visit, filters, kind)
    word = "due" if visit.language == "en" else "到期清单"
    name = f"{word}-{views_retention.today_of(visit).isoformat()}.{kind}"
    return StreamingResponse(pieces, 200, {"Content-Disposition": disposition("attachment", name)}, MEDIA_TYPES[kind])
