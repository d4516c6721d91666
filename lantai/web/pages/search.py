"""Search: one box; facets, hits with their page's picture and why they were found; the list as a file."""

from __future__ import annotations

from fastapi import APIRouter, Response
from fastapi.responses import StreamingResponse

from lantai.problems import status_of
from lantai.result_lists import MEDIA_TYPES, MOST
from lantai.web import searching, views_search
from lantai.web.pages.files import disposition
from lantai.web.rendering import page
from lantai.web.searching import Asked
from lantai.web.visit import SignedVisit
from metadata.errors import Forbidden, Invalid
from metadata.rights import Permission
from repository.clock import local_date

router = APIRouter()
_PAGE = 20


@router.get("/search")
def show(visit: SignedVisit) -> Response:
    """The search page; a search is entered in the use register."""
    visit.require(Permission.SEARCH)
    asked = Asked.read(visit.request.query_params)
    result: views_search.Result | None = None
    wrong, status = "", 200
    if asked.text:
        try:
            found = searching.find(visit, asked, limit=_PAGE, facets=True)
        except (Invalid, Forbidden) as error:  # forbidden: to look for personal numbers
            wrong, status = error.sentence(visit.language), status_of(error)
        else:
            with visit.reading() as session:
                result = views_search.result(session, visit, asked, found)
    return page(
        visit,
        "search.html",
        room="search",
        status=status,
        searched=asked.text,
        asked=asked,
        kept=[one for one in asked.fields() if one[0] != "q"],
        undated=[one for one in asked.fields() if one[0] not in {"since", "until"}],
        result=result,
        wrong=wrong,
        help=views_search.examples(visit),
        orders=views_search.orders(visit, asked),
        periods=views_search.periods(visit, asked),
        most_exported=MOST,
    )


@router.get("/search.csv")
def as_csv(visit: SignedVisit) -> Response:
    """The result list as CSV; one entry in the use register says how many rows were taken out."""
    return _taken_out(visit, "csv")


@router.get("/search.xlsx")
def as_xlsx(visit: SignedVisit) -> Response:
    """The result list as a workbook."""
    return _taken_out(visit, "xlsx")


def _taken_out(visit: SignedVisit, kind: str) -> Response:
    visit.require(Permission.SEARCH)
    pieces = searching.taken_out(visit, Asked.read(visit.request.query_params), kind)
    return StreamingResponse(pieces, 200, file_headers(visit, kind), MEDIA_TYPES[kind])


def file_headers(visit: SignedVisit, kind: str) -> dict[str, str]:
    """What names the file: the day, never the words asked for."""
    day = local_date(visit.site.archive.clock.now(), visit.site.archive.zone)
    word = "search" if visit.language == "en" else "检索结果"
    return {"Content-Disposition": disposition("attachment", f"{word}-{day.isoformat()}.{kind}")}
