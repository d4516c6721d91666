"""The use register for programs."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from access import use_register
from lantai.api.models import PROBLEMS, Page, UseEntry
from lantai.web.visit import ApiVisit

router = APIRouter(tags=["use"], responses=PROBLEMS)


@router.get("/use-register", summary="The use register")
def register(
    visit: ApiVisit,
    record: str | None = None,
    case_file: str | None = None,
    after: int | None = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
) -> Page[UseEntry]:
    """Entries that the caller may read, newest first: the own ones always."""
    with visit.reading() as session:
        found = use_register.register(
            session,
            visit.person,
            visit.site.archive.profile,
            record_id=record,
            case_file_id=case_file,
            after=after,
            limit=limit,
        )
    return Page[UseEntry](
        items=[UseEntry.model_validate(one) for one in found], next=str(found[-1].seq) if len(found) == limit else None
    )
