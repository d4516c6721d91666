"""Holdings: case files, the tray, all records, and the household file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, Response
from fastapi.responses import RedirectResponse

from access import gate
from lantai import i18n
from lantai.web import views_cases, views_history, views_records, views_retention
from lantai.web.options import document_types, programmes
from lantai.web.rendering import page, query
from lantai.web.visit import SignedVisit, Visit
from metadata.errors import Invalid
from metadata.household import check_household_no
from metadata.rights import Permission

router = APIRouter()
_PAGE = 50


def _tabs(visit: Visit, here: str) -> list[tuple[str, str, bool]]:
    _ = i18n.translations(visit.language).gettext
    tabs = []
    if visit.may(Permission.CASE_READ):
        tabs.append((_("Case files"), "/holdings", here == "cases"))
    if visit.may(Permission.RECORD_LIST):
        tabs.append((_("Tray: not yet in a case file"), "/holdings/tray", here == "tray"))
        tabs.append((_("All records"), "/holdings/records", here == "records"))
    return tabs


def _number(text: str) -> str:
    try:
        return check_household_no(text)
    except Invalid:
        return text.strip().upper()


@router.get("/holdings")
def show_cases(visit: SignedVisit, household_no: str = "", programme: str = "", after: int = 0) -> Response:
    """Case files, in the order in which they were opened."""
    if not visit.may(Permission.CASE_READ):
        visit.require(Permission.RECORD_LIST)
        return RedirectResponse("/holdings/records", 303)
    given = {"household_no": household_no, "programme": programme}
    number = _number(household_no) if household_no.strip() else ""
    whole = len(number) == 19
    with visit.reading() as session:
        found = gate.list_cases(
            session,
            visit.person,
            visit.site.archive.profile,
            after=after,
            limit=_PAGE + 1,
            programme=programme or None,
            household_no=number if whole else None,
            division_prefix=number[:12] if number and not whole and number[:12].isdigit() else None,
        )
        shown = views_cases.case_rows(session, visit, found[:_PAGE])
    return page(
        visit,
        "holdings.html",
        room="holdings",
        tabs=_tabs(visit, "cases"),
        given=given,
        programmes=programmes(visit),
        cases=shown,
        first="/holdings" + query(given) if after else "",
        following="/holdings" + query(given, after=shown[-1].seq) if len(found) > _PAGE else "",
    )


@dataclass(frozen=True, slots=True)
class _Which:
    """A list of records: where it stands and what it says of itself."""

    code: str
    title: str
    subtitle: str
    empty_title: str
    empty_hint: str


@router.get("/holdings/tray")
def show_tray(visit: SignedVisit, document_type: str = "", after: int = 0) -> Response:
    """Records that stand in no case file yet."""
    _ = i18n.translations(visit.language).gettext
    which = _Which(
        code="tray",
        title=_("Tray"),
        subtitle=_("These records are safe, but stand in no household file yet."),
        empty_title=_("The tray is empty"),
        empty_hint=_("Records that were deposited without a household number would wait here."),
    )
    return _list(visit, which, {"document_type": document_type, "submission": ""}, after)


@router.get("/holdings/records")
def show_records(visit: SignedVisit, document_type: str = "", submission: str = "", after: int = 0) -> Response:
    """All records that may be listed."""
    _ = i18n.translations(visit.language).gettext
    which = _Which(
        code="records",
        title=_("Records"),
        subtitle=_("Every record that your role may see, oldest first."),
        empty_title=_("No records here"),
        empty_hint=_("Records appear here as soon as a deposit has been accepted and stored."),
    )
    return _list(visit, which, {"document_type": document_type, "submission": submission}, after)


def _list(visit: Visit, which: _Which, given: dict[str, str], after: int) -> Response:
    visit.require(Permission.RECORD_LIST)
    with visit.reading() as session:
        found = gate.list_records(
            session,
            visit.person,
            visit.site.archive.profile,
            after=after,
            limit=_PAGE + 1,
            document_type=given["document_type"] or None,
            in_tray=which.code == "tray",
            submission_id=given["submission"] or None,
        )
        shown = views_records.rows(session, visit, found[:_PAGE])
    path = f"/holdings/{which.code}"
    return page(
        visit,
        "records.html",
        room="holdings",
        which=which,
        tabs=_tabs(visit, which.code),
        given=given,
        document_types=document_types(visit),
        records=shown,
        first=path + query(given) if after else "",
        following=path + query(given, after=shown[-1].seq) if len(found) > _PAGE else "",
    )


@router.get("/households/{household_no}")
def show_household(visit: SignedVisit, household_no: str) -> Response:
    """A household by its number: on to its file."""
    number = _number(household_no)
    with visit.noting_refusal(case_file=number), visit.reading() as session:
        case = gate.get_case(session, visit.person, number, visit.site.archive.profile)
    return RedirectResponse(f"/case-files/{case.id}", 303)


@router.get("/case-files/{case_file_id}")
def show_case(visit: SignedVisit, case_file_id: str) -> Response:
    """The household file; looking at it is entered in the use register."""
    with visit.looking(case_file=case_file_id) as session:
        case = gate.get_case(session, visit.person, case_file_id, visit.site.archive.profile)
        visit.looked(session, "case.viewed", case_file_id=case.id)
        view = views_cases.case_view(session, visit, case)
        stages, missing = views_cases.contents(session, visit, case)
        context: dict[str, Any] = {
            "case": view,
            "stages": stages,
            "missing": missing,
            "others": views_cases.other_cases(session, visit, case, view.household_no),
            "timeline": views_history.timeline(session, visit, case_file_id=case.id),
            "looks": views_history.looks(session, visit, case_file_id=case.id),
            "retention": views_retention.of_case(session, visit, case),
        }
    return page(visit, "case_file.html", room="holdings", **context)
