"""What a search answers with."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field


class Why(BaseModel):
    """One reason why something was found; which file and page, or whose name, where that can be said."""

    at: Literal["text", "title", "file_name", "note", "name", "pinyin", "household", "code", "number", "description"]
    file_id: str | None = None
    page: int | None = Field(None, description="counted from 1; `/files/{file_id}?page=…&q=…` opens it, marked")
    name: str | None = None


class Hit(BaseModel):
    """A record or a case file; ``highlights`` and ``title_highlights`` are places (begin, end) in snippet and title."""

    kind: Literal["record", "household"]
    record_id: str | None = Field(description="none for a case file")
    case_file_id: str | None
    household_no: str | None
    title: str
    path: str | None = Field(description="name as deposited of the file that matched")
    file_id: str | None
    page: int | None
    document_type: str | None
    programme: str | None
    year: int | None
    date: str | None
    organ_id: str
    division_code: str
    access_level: str | None
    snippet: str
    highlights: list[list[int]]
    title_highlights: list[list[int]]
    why: list[Why]
    score: float


class FacetCount(BaseModel):
    """A value of an attribute, and how many of the hits have it."""

    value: str
    count: int


class SearchResult(BaseModel):
    """One page of hits; totals and counts tell of what the caller may see, and of nothing else."""

    total: int
    hits: list[Hit]
    next: str | None = Field(description="what to give as `after` for the following page; none at the end")
    facets: dict[str, list[FacetCount]] | None = Field(
        None, description="counts by kind, programme, organ, year, type, level and format, when asked for"
    )
    did_you_mean: list[str] = Field([], description="what may have been meant, when nothing was found")
