"""Search: one box; facets, hits with their page's picture and why they were found; the list as a file."""

from __future__ import annotations

from fastapi import Response
from fastapi.responses import RedirectResponse, StreamingResponse
from starlette.datastructures import QueryParams

from lantai import i18n, saved_searches
from lantai.part import Part
from lantai.problems import status_of
from lantai.result_lists import MEDIA_TYPES, MOST
from lantai.web import saying, searching, views_parts, views_search
from lantai.web.pages.files import disposition
from lantai.web.rendering import page
from lantai.web.saying import Undo
from lantai.web.searching import Asked
from lantai.web.security import YEAR_SECONDS, local_path
from lantai.web.visit import Form, SignedVisit
from metadata.errors import Forbidden, Invalid
from metadata.rights import Permission
from repository.clock import local_date

router = Part()
DENSE = "lantai_dense"
"""Cookie: whether hits stand close together in this browser."""
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
    with visit.reading() as session:
        own = views_search.saved(saved_searches.mine(session, visit.person), asked)
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
        troubles=views_parts.of_searching(visit),
        wrong=wrong,
        help=views_search.examples(visit),
        orders=views_search.orders(visit, asked),
        periods=views_search.periods(visit, asked),
        most_exported=MOST,
        saved=own,
        query_kept=views_search.kept_query(asked),
        dense=visit.request.cookies.get(DENSE) == "1",
    )


@router.post("/search/density")
def choose_density(visit: SignedVisit, form: Form) -> Response:
    """How close together hits stand in this browser."""
    answer = RedirectResponse(local_path(form.text("next"), default="/search"), 303)
    answer.set_cookie(
        DENSE,
        "1" if form.flag("dense") else "0",
        max_age=YEAR_SECONDS,
        httponly=True,
        samesite="lax",
        secure=visit.site.settings.secure_cookies,
        path="/search",
    )
    return answer


# --- searches kept ----------------------------------------------------------------------------------------------------


@router.post("/search/saved")
def keep(visit: SignedVisit, form: Form) -> Response:
    """Keep a search under a name."""
    _ = i18n.translations(visit.language).gettext
    asked = Asked.read(QueryParams(form.text("query")))
    with visit.writing() as session:
        made = saved_searches.keep(
            session,
            archive=visit.site.archive,
            actor=visit.person,
            name=form.text("name") or asked.text[: saved_searches.LONGEST_NAME],
            query=views_search.kept_query(asked),
        )
    words = _("The search “%(name)s” is kept; it stands on Today and here.") % {"name": made.name}
    back = Undo(f"/search/saved/{made.id}/delete", {"query": made.query})
    return saying.after(visit, f"/search?{made.query}", words, back)


@router.post("/search/saved/{search_id}")
def rename(visit: SignedVisit, search_id: str, form: Form) -> Response:
    """Another name for a search that is kept."""
    _ = i18n.translations(visit.language).gettext
    with visit.writing() as session:
        made = saved_searches.one(session, visit.person, search_id)
        before = made.name
        saved_searches.rename(session, actor=visit.person, search_id=search_id, name=form.text("name"))
    words = _("The search is called “%(name)s” from now on.") % {"name": made.name}
    return saying.after(visit, "/search", words, Undo(f"/search/saved/{search_id}", {"name": before}))


@router.post("/search/saved/{search_id}/delete")
def delete(visit: SignedVisit, search_id: str, form: Form) -> Response:
    """Forget a search that was kept."""
    _ = i18n.translations(visit.language).gettext
    with visit.writing() as session:
        gone = saved_searches.delete(session, actor=visit.person, search_id=search_id)
    words = _("The search “%(name)s” is forgotten.") % {"name": gone.name}
    back = Undo("/search/saved", {"name": gone.name, "query": gone.query})
    query = form.text("query")
    return saying.after(visit, f"/search?{query}" if query == gone.query else "/search", words, back)


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
