"""Search: one box; hits with the matched words marked in the original's own spelling, and why they matched."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Response

from lantai import i18n
from lantai.web import labels
from lantai.web.rendering import page, query
from lantai.web.visit import SignedVisit, Visit
from metadata.errors import Invalid
from metadata.rights import Permission
from search.highlight import parts
from search.service import SearchPage
from search.service import search as find

router = APIRouter()
_PAGE = 20


@router.get("/search")
def show(visit: SignedVisit, q: str = "", after: str = "") -> Response:
    """The search page; a search is entered in the use register."""
    visit.require(Permission.SEARCH)
    asked = q.strip()
    result: dict[str, Any] | None = None
    wrong = ""
    following = ""
    if asked:
        try:
            found = run(visit, asked, limit=_PAGE, after=after or None)
        except Invalid as error:
            wrong = error.sentence(visit.language)
        else:
            result = {"total": found.total, "hits": [_shown(visit, hit, asked) for hit in found.hits]}
            following = "/search" + query({"q": asked}, after=found.next) if found.next else ""
    return page(
        visit,
        "search.html",
        room="search",
        status=422 if wrong else 200,
        searched=asked,
        result=result,
        wrong=wrong,
        first="/search" + query({"q": asked}) if after else "",
        following=following,
    )


def run(visit: Visit, text: str, *, limit: int, after: str | None, form: str = "screen") -> SearchPage:
    """Search as the person, on the live index."""
    engine = visit.site.search_engine()
    try:
        return find(
            visit.site.archive,
            engine,
            visit.person,
            text,
            limit=limit,
            after=after,
            reason=visit.purpose,
            form=form,
            request_id=visit.request_id,
        )
    finally:
        engine.close()


def _shown(visit: Visit, hit: dict[str, Any], asked: str) -> dict[str, Any]:
    """A hit as the page shows it; its address opens the page on which the words stand, marked."""
    profile = visit.site.archive.profile
    kind = profile.document_types.get(hit["document_type"] or "")
    programme = profile.programmes.get(hit["programme"] or "")
    where = [
        labels.term(visit.language, kind) if kind else hit["document_type"],
        labels.term(visit.language, programme) if programme else hit["programme"],
        hit["date"] or (hit["year"] and str(hit["year"])),
    ]
    return {
        "title": parts(hit["title"], [(begin, end) for begin, end in hit["title_highlights"]]),
        "href": f"/files/{hit['file_id']}" + query({}, page=hit["page"], q=asked) if hit["file_id"] else f"/records/{hit['record_id']}",
        "where": [str(part) for part in where if part],
        "household_no": hit["household_no"],
        "snippet": parts(hit["snippet"], [(begin, end) for begin, end in hit["highlights"]]) if hit["snippet"] else [],
        "why": _why(visit, hit),
    }


def _why(visit: Visit, hit: dict[str, Any]) -> str:
    """Where the words stand: title, text of which file and page, or the description."""
    _ = i18n.translations(visit.language).gettext
    if hit["highlights"] and hit["page"]:
        return _("In the text of %(file)s, page %(page)s") % {"file": hit["path"] or "–", "page": hit["page"]}
    if hit["title_highlights"]:
        return _("In the title")
    if hit["highlights"]:
        return _("In the note")
    return _("In the description or the name of a file: %s") % hit["path"] if hit["path"] else ""
