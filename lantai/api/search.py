"""Search for programs."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from lantai.api.models import PROBLEMS, Hit, SearchResult
from lantai.web.pages.search import run
from lantai.web.visit import ApiVisit
from metadata.rights import Permission

router = APIRouter(tags=["search"], responses=PROBLEMS)


@router.get("/search", summary="Search")
def search(
    visit: ApiVisit,
    q: Annotated[str, Query(min_length=1, max_length=500, examples=["低保 王秀英"])],
    after: str | None = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 20,
) -> SearchResult:
    """Records by words, names, codes or numbers; ``*`` finds everything the caller may see. Entered in the use register."""
    visit.require(Permission.SEARCH)
    found = run(visit, q, limit=limit, after=after, form="api")
    return SearchResult(total=found.total, hits=[Hit.model_validate(one) for one in found.hits], next=found.next)
