"""Searches that a person keeps, for programs."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field

from lantai import saved_searches
from lantai.api.models import CONFLICT, Answer
from lantai.part import ApiPart
from lantai.web.visit import ApiVisit
from metadata.rights import Permission

router = ApiPart(prefix="/saved-searches", tags=["search"], responses=CONFLICT)


class NewSearch(BaseModel):
    """A search to be kept; under a name that is taken it replaces the one before."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(min_length=1, max_length=100, examples=["2024 年申请书"])
    query: str = Field(
        min_length=1,
        max_length=4000,
        examples=["q=%E4%BD%8E%E4%BF%9D&type=APP01"],
        description="fields of the address /search",
    )


class NewName(BaseModel):
    """Another name for it."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(min_length=1, max_length=100, examples=["今年的申请书"])


class Kept(Answer):
    """A search that is kept."""

    id: str
    name: str
    query: str
    created_at: datetime


@router.get("", summary="One's own saved searches")
def mine(visit: ApiVisit) -> list[Kept]:
    """Newest first; nobody else's."""
    visit.require(Permission.SEARCH)
    with visit.reading() as session:
        return [Kept.model_validate(one) for one in saved_searches.mine(session, visit.person)]


@router.post("", status_code=201, summary="Keep a search")
def keep(visit: ApiVisit, given: NewSearch) -> Kept:
    """Refused (422) when a personal number stands in it."""
    with visit.writing() as session:
        made = saved_searches.keep(
            session, archive=visit.site.archive, actor=visit.person, name=given.name, query=given.query
        )
        return Kept.model_validate(made)


@router.patch("/{search_id}", summary="Rename a saved search")
def rename(visit: ApiVisit, search_id: str, given: NewName) -> Kept:
    """Another name for a search of one's own."""
    with visit.writing() as session:
        made = saved_searches.rename(session, actor=visit.person, search_id=search_id, name=given.name)
        return Kept.model_validate(made)


@router.delete("/{search_id}", status_code=204, summary="Forget a saved search")
def forget(visit: ApiVisit, search_id: str) -> None:
    """It is gone; the records found by it are not touched."""
    with visit.writing() as session:
        saved_searches.delete(session, actor=visit.person, search_id=search_id)
