"""Search as people and programs use it: one box, permission inside, every page checked by the gate and registered.

The index proposes, the gate decides: each page of hits is read again from the catalogue under the gate's own criterion,
and what it refuses (an entry not yet brought up to date) is neither shown nor counted. Personal numbers in titles and
snippets are masked; who may unmask asks for it by name.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from access.accounts import Actor
from access.gate import (
    allowed_at,
    permission_terms,
    records_by_id,
    require,
    visible_cases,
)
from access.use_register import looked
from metadata.rights import Permission
from repository.archive import Archive
from repository.derivatives import get_text
from repository.tables import CaseFile, CaseRecord, Household, Record, StoredFile
from search import analysis, numbers
from search.documents import TEXT_STATE_DONE, UNKNOWN_MARK
from search.engines.base import Engine, Hit, PermissionFilter, Scope
from search.highlight import Finder, snippet
from search.query import Query, parse

MOST = 1000
"""Hits a page may have at most."""

_ROUNDS = 8
_MOST_FILES = 10_000
_MOST_CHARACTERS = 8_000_000


@dataclass(frozen=True, slots=True)
class SearchPage:
    """One page of hits.

    ``total`` counts what the person may see. Each hit is a dict: ``record_id``, ``household_no`` (of the first case file
    that the person may see), ``title``, ``path`` (name as deposited of the file that matched), ``file_id``, ``page``
    (counted from 1), ``document_type``, ``programme``, ``year``, ``date``, ``division_code``, ``access_level``,
    ``snippet`` with ``highlights`` (``[[begin, end], …]`` in it), ``title_highlights``, ``score``. ``next`` is the
    cursor of the following page.
    """

    total: int
    hits: list[dict[str, Any]]
    next: str | None


def search(
    archive: Archive,
    engine: Engine,
    actor: Actor,
    text: str,
    *,
    limit: int = 20,
    after: str | None = None,
    reason: str,
    form: str = "screen",
    request_id: str | None = None,
    unmask: bool = False,
) -> SearchPage:
    """Find records by what a person typed; the search is in the use register before its result is given.

    ``unmask`` shows personal numbers in clear where the person's role permits it. Raises ``Forbidden`` without the
    permission to search, ``Invalid`` with a hint for a query or cursor that cannot be meant, ``Unavailable`` when the
    index does not answer.
    """
    require(actor, Permission.SEARCH, archive.profile)
    query = parse(text, archive.keys.blind)
    limit = max(1, min(limit, MOST))
    engine.refresh()
    with archive.reading() as session:
        gate = _Gate(session, archive, actor)
        found, total, following = gate.page(engine, query, limit, after)
        shown = _Shown(session, archive, actor, query, unmask=unmask)
        hits = [shown.hit(record, hit) for record, hit in found]
    with archive.sessions.begin() as session:
        looked(
            session,
            archive=archive,
            actor=actor,
            act="search.performed",
            reason=reason,
            form=form,
            request_id=request_id,
        )
    return SearchPage(total, hits, following)


def permission_filter(actor: Actor, archive: Archive) -> PermissionFilter:
    """What the gate lets ``actor`` read, in the index's terms."""
    marks = tuple(archive.profile.access_marks)
    terms = permission_terms(actor, archive.profile)
    return PermissionFilter(
        tuple(
            Scope(
                ("" if clause.prefix is None else clause.prefix,),
                tuple(clause.levels),
                (*(mark for mark in marks if mark not in clause.marks), UNKNOWN_MARK),
            )
            for clause in terms.clauses
            if clause.prefix is None or clause.prefix
        )
    )


@dataclass(frozen=True, slots=True)
class _Gate:
    """The engine's hits as the gate lets this actor have them."""

    session: Session
    archive: Archive
    actor: Actor

    def page(
        self, engine: Engine, query: Query, limit: int, after: str | None
    ) -> tuple[list[tuple[Record, Hit]], int, str | None]:
        """Hits that pass, filled up to ``limit`` while there are more; the total without those refused; the cursor."""
        permission = permission_filter(self.actor, self.archive)
        found: list[tuple[Record, Hit]] = []
        refused = 0
        for _ in range(_ROUNDS):
            hits = engine.search(query, permission, limit=limit - len(found), after=after)
            ids = [hit.record_id for hit in hits.hits]
            visible = records_by_id(self.session, self.actor, ids, self.archive.profile)
            found += [(visible[hit.record_id], hit) for hit in hits.hits if hit.record_id in visible]
            refused += len(ids) - len(visible)
            after = hits.next
            if after is None or len(found) >= limit:
                break
        return found, max(hits.total - refused, len(found)), after


@dataclass(frozen=True, slots=True)
class _File:
    id: str
    version: int
    position: int
    name: str
    has_text: bool


class _Shown:
    """Hits as they are shown: household, the file that matched, a snippet."""

    def __init__(self, session: Session, archive: Archive, actor: Actor, query: Query, *, unmask: bool) -> None:
        self._session = session
        self._archive = archive
        self._actor = actor
        self._finder = Finder(query)
        self._unmask = unmask
        self._characters = _MOST_CHARACTERS

    def hit(self, record: Record, hit: Hit) -> dict[str, Any]:
        """One hit for a page or a program."""
        clear = self._unmask and allowed_at(
            self._actor,
            Permission.UNMASK,
            self._archive.profile,
            division_code=record.division_code,
            organ_id=record.organ_id,
        )
        file, pages = self._matching_file(record)
        title = analysis.fold(record.title)
        piece, page = self._snippet(record, pages, clear=clear)
        return {
            "record_id": record.id,
            "household_no": self._household(record.id),
            "title": record.title if clear else numbers.masked(record.title, title),
            "title_highlights": [list(one) for one in self._finder.ranges(title)],
            "path": None
            if file is None
            else file.name
            if clear
            else numbers.masked(file.name, analysis.fold(file.name)),
            "file_id": None if file is None else file.id,
            "page": page,
            "document_type": record.document_type,
            "programme": record.programme,
            "year": record.year,
            "date": record.dated.isoformat() if record.dated else None,
            "division_code": record.division_code,
            "access_level": record.access_level,
            **piece,
            "score": hit.score,
        }

    def _household(self, record_id: str) -> str | None:
        wanted = (
            select(Household.household_no)
            .join(CaseFile, CaseFile.household_id == Household.id)
            .join(CaseRecord, CaseRecord.case_file_id == CaseFile.id)
            .where(CaseRecord.record_id == record_id, visible_cases(self._actor, self._archive.profile))
            .order_by(CaseFile.seq)
            .limit(1)
        )
        return self._session.scalar(wanted)

    def _files(self, record: Record) -> list[_File]:
        columns = (
            StoredFile.id,
            StoredFile.version,
            StoredFile.position,
            StoredFile.original_name,
            StoredFile.text_state,
        )
        wanted = (
            select(*columns)
            .where(StoredFile.record_id == record.id, StoredFile.version == record.head_version)
            .order_by(StoredFile.position)
            .limit(1 if not self._finder.words else _MOST_FILES)
        )
        return [
            _File(file_id, version, position, name, state == TEXT_STATE_DONE)
            for file_id, version, position, name, state in self._session.execute(wanted)
        ]

    def _matching_file(self, record: Record) -> tuple[_File | None, list[str]]:
        """The file in which most words of the query stand, in its text rather than its name, the first of equals."""
        files = self._files(record)
        best: _File | None = files[0] if files else None
        best_pages: list[str] = []
        most = (0, 0)
        for file in files:
            pages = self._pages(record.id, file)
            text = analysis.fold("\n".join(pages))
            met = (self._finder.met(f"{analysis.fold(file.name)}\n\n{text}"), self._finder.met(text))
            if met > most:
                best, best_pages, most = file, pages, met
            if most[1] == self._finder.words:
                break
        return best, best_pages

    def _pages(self, record_id: str, file: _File) -> list[str]:
        """Text of a file; none once a page of hits has read as much as is reasonable."""
        if not file.has_text or not self._finder.words or self._characters <= 0:
            return []
        pages = get_text(self._archive.derivatives, record_id, file.version, file.position) or []
        self._characters -= sum(map(len, pages))
        return pages

    def _snippet(self, record: Record, pages: list[str], *, clear: bool) -> tuple[dict[str, Any], int | None]:
        """The text around the first place; else around a place in the note. Nothing to show: an empty snippet."""
        for number, text in enumerate(self._joined(pages), start=1):
            folded = analysis.fold(text)
            ranges = self._finder.ranges(folded)
            if ranges:
                piece = snippet(text if clear else numbers.masked(text, folded), ranges)
                return {"snippet": piece.text, "highlights": [list(one) for one in piece.ranges]}, number
        note = str(record.description.get("note") or "")
        folded = analysis.fold(note)
        ranges = self._finder.ranges(folded)
        piece = snippet(note if clear else numbers.masked(note, folded), ranges if note else [])
        return {"snippet": piece.text, "highlights": [list(one) for one in piece.ranges]}, None

    def _joined(self, pages: list[str]) -> list[str]:
        """Pages one by one; when no page alone holds a place, the whole as one, for a phrase that runs over a page."""
        if any(self._finder.met(analysis.fold(page)) for page in pages) or not pages:
            return pages
        return ["\n".join(pages)]
