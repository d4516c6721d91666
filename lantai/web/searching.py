"""What a search page, a list taken out and the API have in common: what was asked, its address, and the asking itself."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date
from typing import IO, Any, cast
from urllib.parse import urlencode

from starlette.datastructures import QueryParams

from lantai import result_lists
from lantai.result_lists import ResultTable
from lantai.web.visit import Visit
from metadata.errors import Invalid
from metadata.rights import Permission
from search import service
from search.service import FACETS, KINDS, Engine, Period, SearchPage, Sort

_MOST_VALUES = 50
_MOST_PASSED = 10**9
_KEPT_IN_MEMORY = 1 << 20
_READ = 1 << 16


@dataclass(frozen=True, slots=True)
class Asked:
    """A search as an address says it. ``passed``: how many hits stand before this page; it only numbers them."""

    text: str
    sort: str = "relevance"
    filters: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    since: str = ""
    until: str = ""
    after: str = ""
    passed: int = 0

    @classmethod
    def read(cls, fields: QueryParams) -> Asked:
        """From the fields of an address; what makes no sense in them is found when the search is made."""
        passed = fields.get("n", "")
        chosen = {name: tuple(dict.fromkeys(filter(None, fields.getlist(name))))[:_MOST_VALUES] for name in FACETS}
        return cls(
            text=fields.get("q", "").strip(),
            sort=fields.get("sort") or "relevance",
            filters={name: values for name, values in chosen.items() if values},
            since=fields.get("since", "").strip(),
            until=fields.get("until", "").strip(),
            after=fields.get("after", ""),
            passed=min(int(passed), _MOST_PASSED) if passed.isascii() and passed.isdigit() and len(passed) < 12 else 0,
        )

    @property
    def narrowed(self) -> bool:
        """Whether anything but the words decides."""
        return bool(self.filters or self.since or self.until)

    @property
    def period(self) -> Period:
        """The days asked for; ``Invalid`` for what is no day or ends before it begins."""
        first, last = _day(self.since), _day(self.until)
        if first and last and first > last:
            raise _bad_period()
        return first, last

    def fields(self) -> list[tuple[str, str]]:
        """Everything but the place in the list, as fields of a form or an address."""
        made = [("q", self.text)] if self.text else []
        made += [(name, value) for name in FACETS for value in self.filters.get(name, ())]
        made += [(name, value) for name, value in (("since", self.since), ("until", self.until)) if value]
        return made + ([("sort", self.sort)] if self.sort != "relevance" else [])

    def address(self, path: str = "/search") -> str:
        """The address of this search, with its place in the list."""
        place = [("after", self.after), ("n", str(self.passed))] if self.after else []
        return f"{path}?{urlencode(self.fields() + place)}"

    def first(self, **changed: Any) -> Asked:
        """This search with fields changed, from its first page."""
        return replace(self, after="", passed=0, **changed)

    def toggled(self, name: str, value: str) -> Asked:
        """This search with one value of an attribute chosen, or no longer."""
        chosen = self.filters.get(name, ())
        values = tuple(one for one in chosen if one != value) if value in chosen else (*chosen, value)
        others = {other: kept for other, kept in self.filters.items() if other != name}
        return self.first(filters={**others, name: values} if values else others)


def _day(text: str) -> date | None:
    if not text:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise _bad_period() from error


def _bad_period() -> Invalid:
    return Invalid(
        "search.bad_period",
        zh="日期范围看不懂，或结束早于开始。请写成 2024-03-01 的样子，或清空日期。",
        en="The period is not understood, or ends before it begins. Write days as 2024-03-01, or clear them.",
    )


@contextmanager
def _engine(visit: Visit) -> Iterator[Engine]:
    engine = visit.site.search_engine()
    try:
        yield engine
    finally:
        engine.close()


def find(visit: Visit, asked: Asked, *, limit: int, facets: bool = False, form: str = "screen") -> SearchPage:
    """Search as the person, on the live index, among records and the household register."""
    visit.require(Permission.SEARCH)
    with _engine(visit) as engine:
        return service.search(
            visit.site.archive,
            engine,
            visit.person,
            asked.text,
            limit=limit,
            after=asked.after or None,
            sort=cast("Sort", asked.sort),
            filters=asked.filters,
            period=asked.period,
            facets=facets,
            kinds=KINDS,
            reason=visit.purpose,
            form=form,
            call_id=visit.request_id,
        )


def taken_out(visit: Visit, asked: Asked, kind: str) -> Iterator[bytes]:
    """The result list as a file of a ``kind`` of ``result_lists.MEDIA_TYPES``, in pieces.

    Errors come before the first piece; the list is in the use register by then. A workbook is written to disk whole
    before its first piece, the others are made while they are sent.
    """
    pieces = _pieces(visit, asked, kind)
    first = next(pieces)
    return _put_back(first, pieces)


def _put_back(first: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    yield first
    yield from rest


def _pieces(visit: Visit, asked: Asked, kind: str) -> Iterator[bytes]:
    visit.require(Permission.SEARCH)
    with _engine(visit) as engine:
        found = service.export(
            visit.site.archive,
            engine,
            visit.person,
            asked.text,
            sort=cast("Sort", asked.sort),
            filters=asked.filters,
            period=asked.period,
            kinds=KINDS,
            most=result_lists.MOST,
            reason=visit.purpose,
            call_id=visit.request_id,
        )
        table = ResultTable(found, visit.site.archive.profile, visit.language)
        if kind == "json":
            yield from result_lists.json_chunks(found)
        elif kind == "csv":
            yield from result_lists.csv_chunks(table)
        else:
            with tempfile.SpooledTemporaryFile(max_size=_KEPT_IN_MEMORY) as out:
                result_lists.write_xlsx(table, cast("IO[bytes]", out))
                out.seek(0)
                while piece := out.read(_READ):
                    yield piece
