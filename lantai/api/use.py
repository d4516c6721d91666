"""The use register, for programs."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from fastapi import Query, Response
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, Field
from starlette.datastructures import QueryParams

from access import use_register
from lantai.api.models import PROBLEMS, UseEntry, UseRegister
from lantai.part import ApiPart
from lantai.result_lists import MEDIA_TYPES
from lantai.web import views_use
from lantai.web.pages.use import file_headers, subjects
from lantai.web.views_use import Asked
from lantai.web.visit import ApiVisit

router = ApiPart(tags=["use"], responses=PROBLEMS)


class Wish(BaseModel):
    """Which entries are wanted; a filter that is not given says nothing."""

    record: str = Field("", max_length=200, description="id of a record")
    case_file: str = Field("", max_length=200, description="id or household number")
    person: str = Field("", max_length=200, description="user name, name or id")
    organ: str = Field("", max_length=200, description="id of an organ")
    since: date | None = Field(None, examples=["2026-01-01"])
    until: date | None = Field(None, examples=["2026-12-31"])
    act: str = Field("", max_length=48, examples=["record.viewed"])
    form: str = Field("", max_length=16, examples=["download"])
    request: str = Field("", max_length=200, description="id or number of a request for access")

    def asked(self) -> Asked:
        """In the terms of the page."""
        given = {name: getattr(self, name) for name in views_use.NAMES}
        return Asked.read(QueryParams({name: str(value) for name, value in given.items() if value}))


class PageWish(Wish):
    """Which entries are wanted, and which part of the list."""

    after: int | None = Field(None, description="`next` of the page before")
    limit: int = Field(50, ge=1, le=500)
    totals: bool = Field(False, description="count the looks by form too")


class ListWish(Wish):
    """Which entries are wanted, and how the list is written."""

    file: Literal["csv", "xlsx", "json"] = Field("csv", alias="as")


@router.get("/use-register", summary="The use register")
def register(visit: ApiVisit, wish: Annotated[PageWish, Query()]) -> UseRegister:
    """Entries that the caller may read, newest first: the own ones always. Reading those of others is entered itself."""
    archive = visit.site.archive
    asked = wish.asked()
    wide = use_register.reads_others(visit.person, archive.profile)
    with visit.writing() if wide else visit.reading() as session:
        wanted = views_use.filters(session, asked, visit.person, visit.site.archive.profile)
        found = use_register.register(
            session,
            visit.person,
            archive.profile,
            filters=wanted,
            zone=archive.zone,
            after=wish.after,
            limit=wish.limit,
        )
        counted = (
            use_register.totals(session, visit.person, archive.profile, wanted, zone=archive.zone).forms
            if wish.totals
            else None
        )
        if wide:
            visit.looked(session, "register.viewed", **subjects(wanted))
    return UseRegister(
        items=[UseEntry.model_validate(one) for one in found],
        next=str(found[-1].seq) if len(found) == wish.limit else None,
        totals=counted,
    )


@router.get(
    "/use-register/export",
    summary="Take the use register out",
    response_class=Response,
    responses={
        200: {"description": "The list", "content": {one: {} for one in MEDIA_TYPES.values()}},
        429: {"description": "Taken out too much today; see Retry-After"},
    },
)
def export(visit: ApiVisit, wish: Annotated[ListWish, Query()]) -> Response:
    """The entries as CSV, XLSX or JSON, for the auditor only; at most 100,000. Entered in the register."""
    use_register.require_export(visit.person, visit.site.archive.profile)
    with visit.reading() as session:
        wanted = views_use.filters(session, wish.asked(), visit.person, visit.site.archive.profile)
    pieces = views_use.taken_out(visit, wanted, wish.file)
    return StreamingResponse(pieces, 200, file_headers(visit, wish.file), MEDIA_TYPES[wish.file])
