"""Looking for words inside one file: on which pages they stand, and where on the page's picture.

The same query language, folding and marking as the search of the whole holding, so that a hit opened from there is
marked here. What is shown of the text is masked.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from access.masking import sees_numbers
from lantai.web.display import masked
from lantai.web.visit import Visit
from repository.derivatives import Box, PageText
from repository.tables import CaseFile, CaseRecord, Household, Record
from search import analysis
from search.highlight import Finder, Range, parts, snippet
from search.query import name_terms, parse

MOST_PAGES = 200
_WIDTH = 60
_LEAST = 20


@dataclass(frozen=True, slots=True)
class FoundPage:
    """A page on which words stand: how often, where on its picture, and the text around the first."""

    number: int
    count: int
    boxes: tuple[Box, ...]
    snippet: tuple[tuple[bool, str], ...]


def finder_for(session: Session, visit: Visit, record: Record, words: str) -> Finder:
    """What ``words`` mean in texts of ``record``, names by their pinyin included; ``Invalid`` as the search says it.

    ``Forbidden`` for a personal number where this record's are masked for her: a hit would tell that it stands there.
    """
    archive = visit.site.archive
    query = parse(words, archive.keys.blind, personal=sees_numbers(visit.person, record, archive.profile) is not None)
    asked = {term for word in query.words for term in (*word.terms, *word.favours)}
    spoken = [name for name in _names(session, record) if asked & set(name_terms(name))] if asked else []
    finder = Finder(query)
    return finder.also(spoken) if spoken else finder


def _names(session: Session, record: Record) -> list[str]:
    """People of the record and of the households that it belongs to; the caller may see the record."""
    names = [str(one) for one in record.description.get("persons") or []]
    names.append(str(record.description.get("author") or ""))
    wanted = (
        select(Household.applicant_name, CaseFile.state)
        .join(CaseFile, CaseFile.household_id == Household.id)
        .join(CaseRecord, CaseRecord.case_file_id == CaseFile.id)
        .where(CaseRecord.record_id == record.id)
        .limit(_LEAST)
    )
    for applicant, state in session.execute(wanted):
        names.append(applicant)
        names += [str(one.get("name") or "") for one in state.get("members") or [] if isinstance(one, dict)]
    return list(dict.fromkeys(name for name in names if name))


def found_pages(finder: Finder, pages: Sequence[PageText], *, numbers: bool) -> Iterator[FoundPage]:
    """The pages on which any of the words stand, in order, the first ``MOST_PAGES``.

    ``numbers``: whether she sees this record's numbers; else nothing is looked for behind the mask, digit by digit.
    """
    found = 0
    for number, page in enumerate(pages, start=1):
        ranges = finder.ranges(analysis.fold(page.text if numbers else masked(page.text)))
        if not ranges:
            continue
        found += 1
        if found > MOST_PAGES:
            return
        piece = snippet(masked(page.text), ranges, _WIDTH)
        yield FoundPage(number, len(ranges), boxes_of(page, ranges), tuple(parts(piece.text, piece.ranges)))


def boxes_of(page: PageText, ranges: Sequence[Range]) -> tuple[Box, ...]:
    """Where the ranges stand on the page's picture."""
    return tuple(box for begin, end in ranges for box in page.boxes(begin, end))


def marked(finder: Finder | None, text: str, limit: int, *, numbers: bool) -> list[tuple[bool, str]]:
    """The beginning of ``text``, masked, cut where words are to be marked; ``numbers`` as in ``found_pages``."""
    shown = masked(text)[:limit]
    if finder is None:
        return [(False, shown)]
    ranges = [
        (begin, min(end, limit))
        for begin, end in finder.ranges(analysis.fold(text if numbers else shown))
        if begin < limit
    ]
    return parts(shown, ranges)
