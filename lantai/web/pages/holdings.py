"""Holdings: case files, the tray, all records, the tree; columns a person chose, lists taken out."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, Annotated, cast

from fastapi import Query, Response
from fastapi.responses import RedirectResponse, StreamingResponse
from sqlalchemy.orm import Session

from access import gate
from lantai import i18n
from lantai.part import Part
from lantai.result_lists import MEDIA_TYPES, csv_chunks, write_xlsx
from lantai.web import views_cases, views_describe, views_holdings, views_records
from lantai.web.options import document_types, programmes
from lantai.web.pages.files import disposition
from lantai.web.pages.household import household_number
from lantai.web.rendering import page, query
from lantai.web.security import local_path
from lantai.web.views_holdings import Opened, Sheet, Wanted
from lantai.web.visit import Form, SignedVisit, Visit
from metadata.errors import NotFound
from metadata.rights import Permission
from repository.clock import local_date
from repository.tables import CaseFile

router = Part()
After = Annotated[int, Query(ge=0, le=2**62)]
_PAGE = 50
_READ = 1 << 16
_KEPT_IN_MEMORY = 1 << 20


def tabs(visit: Visit, here: str) -> list[tuple[str, str, bool]]:
    """Parts of the room that the person may open."""
    _ = i18n.translations(visit.language).gettext
    made = []
    if visit.may(Permission.CASE_READ):
        made.append((_("Case files"), "/holdings", here == "cases"))
        made.append((_("Tree"), "/holdings/tree", here == "tree"))
    if visit.may(Permission.RECORD_LIST):
        made.append((_("Tray: not yet in a case file"), "/holdings/tray", here == "tray"))
        made.append((_("All records"), "/holdings/records", here == "records"))
    return made


# --- case files -------------------------------------------------------------------------------------------------------


def _cases(session: Session, visit: Visit, given: dict[str, str], after: int, limit: int) -> list[CaseFile]:
    number = household_number(given["household_no"]) if given["household_no"].strip() else ""
    whole = len(number) == 19
    return gate.list_cases(
        session,
        visit.person,
        visit.site.archive.profile,
        after=after,
        limit=limit,
        programme=given["programme"] or None,
        household_no=number if whole else None,
        division_prefix=(number[:12] if number[:12].isdigit() else "-") if number and not whole else None,
    )


@router.get("/holdings")
def show_cases(visit: SignedVisit, household_no: str = "", programme: str = "", after: After = 0) -> Response:
    """Case files, in the order in which they were opened."""
    if not visit.may(Permission.CASE_READ):
        visit.require(Permission.RECORD_LIST)
        return RedirectResponse("/holdings/records", 303)
    given = {"household_no": household_no, "programme": programme}
    with visit.reading() as session:
        found = _cases(session, visit, given, after, _PAGE + 1)
        shown = views_cases.case_rows(session, visit, found[:_PAGE])
        columns = views_holdings.columns(session, visit, "cases")
    return page(
        visit,
        "holdings.html",
        room="holdings",
        tabs=tabs(visit, "cases"),
        given=given,
        programmes=programmes(visit),
        cases=shown,
        columns=columns,
        column_choice=views_holdings.column_choice(visit, "cases", columns),
        outputs={kind: f"/holdings.{kind}" + query(given) for kind in ("csv", "xlsx")},
        first="/holdings" + query(given) if after else "",
        following="/holdings" + query(given, after=shown[-1].seq) if len(found) > _PAGE else "",
    )


@router.get("/holdings.csv")
def cases_as_csv(visit: SignedVisit, household_no: str = "", programme: str = "") -> Response:
    """The list of case files as CSV, with the columns that are shown."""
    return _cases_out(visit, {"household_no": household_no, "programme": programme}, "csv")


@router.get("/holdings.xlsx")
def cases_as_xlsx(visit: SignedVisit, household_no: str = "", programme: str = "") -> Response:
    """The list of case files as a workbook."""
    return _cases_out(visit, {"household_no": household_no, "programme": programme}, "xlsx")


def _cases_out(visit: Visit, given: dict[str, str], kind: str) -> Response:
    visit.require(Permission.CASE_READ)
    rows: list[views_cases.CaseRow] = []
    with visit.reading() as session:
        columns, after = views_holdings.columns(session, visit, "cases"), 0
        while len(rows) <= views_holdings.MOST_EXPORTED:
            found = _cases(session, visit, given, after, 500)
            rows += views_cases.case_rows(session, visit, found)
            if len(found) < 500:
                break
            after = found[-1].seq
    return taken_out(visit, views_holdings.case_sheet(visit, rows, columns), kind)


# --- records ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Which:
    """A list of records: where it stands and what it says of itself."""

    code: str
    title: str
    subtitle: str
    empty_title: str
    empty_hint: str


@router.get("/holdings/tray")
def show_tray(visit: SignedVisit) -> Response:
    """Records that stand in no case file yet; registers and other volumes never will, and do not wait here."""
    _ = i18n.translations(visit.language).gettext
    which = _Which(
        code="tray",
        title=_("Tray"),
        subtitle=_("These records are safe, but stand in no household file yet."),
        empty_title=_("The tray is empty"),
        empty_hint=_("Records that were deposited without a household number would wait here."),
    )
    return _list(visit, which, Wanted.read(visit.request.query_params, filed="tray"))


@router.get("/holdings/records")
def show_records(visit: SignedVisit) -> Response:
    """All records that may be listed."""
    _ = i18n.translations(visit.language).gettext
    which = _Which(
        code="records",
        title=_("Records"),
        subtitle=_("Every record that your role may see."),
        empty_title=_("No records here"),
        empty_hint=_("Records appear here as soon as a deposit has been accepted and stored."),
    )
    return _list(visit, which, Wanted.read(visit.request.query_params))


def _list(visit: Visit, which: _Which, wanted: Wanted) -> Response:
    visit.require(Permission.RECORD_LIST)
    with visit.reading() as session:
        found = views_holdings.records(session, visit, wanted, _PAGE + 1)
        shown = views_records.rows(session, visit, found[:_PAGE])
        columns = views_holdings.columns(session, visit, "records")
    path = f"/holdings/{which.code}"
    narrowed = [name for name in wanted.given() if name != "sort" and not (which.code == "tray" and name == "filed")]
    return page(
        visit,
        "records.html",
        room="holdings",
        which=which,
        tabs=tabs(visit, which.code),
        wanted=wanted,
        narrowed=narrowed,
        document_types=document_types(visit),
        programmes=programmes(visit),
        levels=views_describe.levels(visit),
        marks=views_describe.marks(visit),
        records=shown,
        levels_of={one.id: one.access_level for one in found},
        columns=columns,
        column_choice=views_holdings.column_choice(visit, "records", columns),
        by_taken_in=wanted.address(path, sort="" if wanted.sort == "newest" else "newest"),
        outputs={kind: wanted.address(f"/holdings/records.{kind}") for kind in ("csv", "xlsx")},
        total_files=sum(one.files for one in shown),
        total_bytes=sum(one.bytes for one in shown),
        first=wanted.address(path) if wanted.after else "",
        following=wanted.address(path, after=shown[-1].seq) if len(found) > _PAGE else "",
    )


@router.get("/holdings/records.csv")
def records_as_csv(visit: SignedVisit) -> Response:
    """The list of records as CSV, with the columns that are shown."""
    return _records_out(visit, "csv")


@router.get("/holdings/records.xlsx")
def records_as_xlsx(visit: SignedVisit) -> Response:
    """The list of records as a workbook."""
    return _records_out(visit, "xlsx")


def _records_out(visit: Visit, kind: str) -> Response:
    visit.require(Permission.RECORD_LIST)
    wanted = Wanted.read(visit.request.query_params)
    with visit.reading() as session:
        found = views_holdings.every_record(session, visit, wanted)
        columns = views_holdings.columns(session, visit, "records")
        sheet = views_holdings.record_sheet(session, visit, found, columns)
    return taken_out(visit, sheet, kind)


def taken_out(visit: Visit, sheet: Sheet, kind: str) -> Response:
    """A list as a file; one entry in the use register says how many rows it has, before the first goes out."""
    with visit.writing() as session:
        visit.looked(session, "list.exported", form="export", count=len(sheet.cells))
    day = local_date(visit.site.archive.clock.now(), visit.site.archive.zone)
    name = f"{'holdings' if visit.language == 'en' else '馆藏清单'}-{day.isoformat()}.{kind}"
    headers = {"Content-Disposition": disposition("attachment", name)}
    pieces = csv_chunks(sheet) if kind == "csv" else _workbook(sheet)
    return StreamingResponse(pieces, 200, headers, MEDIA_TYPES[kind])


def _workbook(sheet: Sheet) -> Iterator[bytes]:
    with tempfile.SpooledTemporaryFile(max_size=_KEPT_IN_MEMORY) as out:
        write_xlsx(sheet, cast("IO[bytes]", out))
        out.seek(0)
        while piece := out.read(_READ):
            yield piece


@router.post("/holdings/columns")
def choose_columns(visit: SignedVisit, form: Form) -> Response:
    """Remember which columns of a list the person wants to see, on every computer she signs in at."""
    which = form.text("which")
    chosen = [name.removeprefix("column_") for name in form.fields if name.startswith("column_")]
    with visit.writing() as session:
        views_holdings.keep_columns(session, visit, which, chosen)
    return RedirectResponse(local_path(form.text("next"), default="/holdings"), 303)


# --- the tree ---------------------------------------------------------------------------------------------------------


@router.get("/holdings/tree")
def show_tree(visit: SignedVisit, programme: str = "", case: str = "", after: After = 0) -> Response:
    """Fonds, series, households, documents; a branch is read when it is opened."""
    visit.require(Permission.CASE_READ)
    with visit.noting_refusal(case_file=case or None), visit.reading() as session:
        if case:
            opened = gate.get_case(session, visit.person, case, visit.site.archive.profile)
            if programme and opened.programme != programme:
                raise NotFound(
                    "case_file.not_found",
                    zh="没有这个户档，或您无权查看。请核对户号；如工作需要，请申请借阅。",
                    en="There is no such case file, or you may not see it. Check the household number, or ask to borrow it.",
                )
            programme = opened.programme
        nodes = views_holdings.tree(session, visit, Opened(programme, case, after))
    return page(visit, "holdings_tree.html", room="holdings", tabs=tabs(visit, "tree"), nodes=nodes)
