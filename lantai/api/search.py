"""Search for programs."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import Query, Response
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, Field

from lantai.api.models import LIMITED
from lantai.api.search_models import Hit, SearchResult
from lantai.part import ApiPart
from lantai.result_lists import MEDIA_TYPES
from lantai.web import searching
from lantai.web.pages.search import file_headers
from lantai.web.searching import Asked
from lantai.web.visit import ApiVisit
from metadata.rights import Permission
from search.service import FACETS

router = ApiPart(tags=["search"], responses=LIMITED)

Order = Literal["relevance", "date", "code", "newest"]
Values = Annotated[list[str], Field(max_length=50)]


class Wish(BaseModel):
    """What is looked for. A filter that is given several times is met by any of its values."""

    q: str = Field(
        min_length=1,
        max_length=500,
        examples=["低保 王秀英"],
        description='words, "phrases", field:value, AND OR NOT, brackets, dates, abc*; * finds everything',
    )
    sort: Order = Field(
        "relevance", description="date: latest first; newest: by when it was taken in; code: archival code"
    )
    kind: Values = Field([], examples=[["record"]], description="record, household")
    programme: Values = Field([], examples=[["DB"]], description="code of a programme")
    organ: Values = Field([], description="id of an organ")
    year: Values = Field([], examples=[["2024"]])
    type: Values = Field([], examples=[["APP01"]], description="code of a document type")
    level: Values = Field([], examples=[["internal"]], description="open, internal, restricted")
    format: Values = Field([], examples=[["pdf"]], description="short word of a format")
    since: str = Field("", examples=["2024-01-01"], description="documents from this day on")
    until: str = Field("", examples=["2024-06-30"], description="documents up to this day")

    def asked(self, after: str = "") -> Asked:
        """In the terms of the search page."""
        filters = {name: tuple(values) for name in FACETS if (values := getattr(self, name))}
        return Asked(self.q, self.sort, filters, self.since, self.until, after)


class PageWish(Wish):
    """What is looked for, and which part of the list."""

    after: str | None = Field(None, description="`next` of the page before")
    limit: int = Field(20, ge=1, le=200)
    facets: bool = Field(False, description="count the hits by attribute too")


class ListWish(Wish):
    """What is looked for, and how the list is written."""

    file: Literal["csv", "xlsx", "json"] = Field("csv", alias="as")


@router.get("/search", summary="Search")
def search(visit: ApiVisit, wish: Annotated[PageWish, Query()]) -> SearchResult:
    """Records and case files by words, names, codes or numbers, as far as the caller may see them.

    Traditional and simplified characters find each other; names are also found by their pinyin. A query that cannot be
    meant is answered with 422 and a hint. Follow ``next`` for the whole list. Entered in the use register.
    """
    found = searching.find(visit, wish.asked(wish.after or ""), limit=wish.limit, facets=wish.facets, form="api")
    return SearchResult(
        total=found.total,
        hits=[Hit.model_validate(one) for one in found.hits],
        next=found.next,
        facets={
            name: [{"value": value, "count": count} for value, count in counts] for name, counts in found.facets.items()
        }
        if wish.facets
        else None,
        did_you_mean=found.suggestions,
    )


@router.get(
    "/search/export",
    summary="Take out a result list",
    response_class=Response,
    responses={200: {"description": "The list", "content": {one: {} for one in MEDIA_TYPES.values()}}},
)
def export(visit: ApiVisit, wish: Annotated[ListWish, Query()]) -> Response:
    """The list as CSV, XLSX or JSON, at most 100,000 rows; one that is cut says so.

    Personal numbers are masked. Entered once in the use register, with the number of rows.
    """
    visit.require(Permission.SEARCH)
    pieces = searching.taken_out(visit, wish.asked(), wish.file)
    return StreamingResponse(pieces, 200, file_headers(visit, wish.file), MEDIA_TYPES[wish.file])
