"""Hits as they are shown: the file and page that matched, a snippet in the original spelling, and why it was found."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from access.accounts import Actor
from access.gate import decide, decide_case, visible_cases
from access.masking import case_title, masked, masked_name, names_of, names_shown
from metadata.rights import Permission
from repository.archive import Archive
from repository.derivatives import get_text
from repository.tables import CaseFile, CaseRecord, Household, Record, StoredFile
from search import analysis
from search.documents import TEXT_STATE_DONE
from search.engines.base import HOUSEHOLD, RECORD, Hit
from search.highlight import Finder, snippet
from search.query import Query, document_term, household_term, name_term, name_terms

_MOST_FILES = 10_000
_MOST_CHARACTERS = 8_000_000
_BATCH = 500


@dataclass(frozen=True, slots=True)
class _File:
    id: str
    version: int
    position: int
    name: str
    has_text: bool


@dataclass(frozen=True, slots=True)
class _Case:
    """A case file as the person may see it."""

    id: str
    household_no: str
    code: str
    names: tuple[str, ...]


class Shown:
    """One page of hits on its way to a person or a program."""

    def __init__(self, session: Session, archive: Archive, actor: Actor, query: Query, *, unmask: bool) -> None:
        self._session = session
        self._archive = archive
        self._actor = actor
        self._query = query
        self._finder = Finder(query)
        self._unmask = unmask
        self._characters = _MOST_CHARACTERS

    def hits(self, found: Sequence[tuple[Record | CaseFile, Hit]]) -> list[dict[str, Any]]:
        """The page's hits in their order."""
        cases = self._cases([one.id for one, _ in found if isinstance(one, Record)])
        registered = self._registered([one.id for one, _ in found if isinstance(one, CaseFile)])
        return [
            self._record(one, hit, cases.get(one.id, []))
            if isinstance(one, Record)
            else self._case_file(one, hit, registered[one.id])
            for one, hit in found
        ]

    # --- records ------------------------------------------------------------------------------------------------------

    def _record(self, record: Record, hit: Hit, cases: list[_Case]) -> dict[str, Any]:
        sees = self._sees_numbers(record)
        clear = self._unmask and sees
        names = [*map(str, record.description.get("persons") or []), str(record.description.get("author") or "")]
        names += [name for case in cases for name in case.names]
        why, finder = self._named(names)
        file, pages = self._matching_file(record, finder, sees=sees)
        piece, page = self._snippet(record, pages, finder, clear=clear, sees=sees)
        title = analysis.fold(self._masked(record.title, clear=sees))
        marked = finder.ranges(title)
        if marked:
            why.insert(0, {"at": "title"})
        if page is not None and file is not None:
            why.insert(0, {"at": "text", "file_id": file.id, "page": page})
        elif piece["highlights"]:
            why.append({"at": "note"})
        if file is not None and finder.met(analysis.fold(file.name)):
            why.append({"at": "file_name", "file_id": file.id})
        why += self._coded(record, cases)
        return {
            "kind": RECORD,
            "record_id": record.id,
            "case_file_id": cases[0].id if cases else None,
            "household_no": cases[0].household_no if cases else None,
            "title": self._masked(record.title, clear=clear),
            "title_highlights": [list(one) for one in marked],
            "path": None if file is None else self._masked(file.name, clear=clear),
            "file_id": None if file is None else file.id,
            "page": page,
            "document_type": record.document_type,
            "programme": record.programme,
            "year": record.year,
            "date": record.dated.isoformat() if record.dated else None,
            "organ_id": record.organ_id,
            "division_code": record.division_code,
            "access_level": record.access_level,
            **piece,
            "why": why or [{"at": "description"}],
            "score": hit.score,
        }

    def _sees_numbers(self, shown: Record | CaseFile) -> bool:
        """Whether the numbers of it are hers to see at all; else no word of a query is even looked for in them."""
        profile = self._archive.profile
        if isinstance(shown, Record):
            return decide(self._actor, shown, Permission.UNMASK, profile) is not None
        return decide_case(self._actor, shown, profile, Permission.UNMASK) is not None

    @staticmethod
    def _masked(text: str, *, clear: bool) -> str:
        return text if clear else masked(text)

    def _named(self, names: Iterable[str]) -> tuple[list[dict[str, Any]], Finder]:
        """Names by which the hit was found, as such or by their pinyin; a finder that marks the latter too."""
        asked = {term for word in self._query.words for term in (*word.terms, *word.favours)}
        why: list[dict[str, Any]] = []
        spoken: list[str] = []
        for name in dict.fromkeys(names):
            if not name:
                continue
            if name_term(name) in asked:
                why.append({"at": "name", "name": name})
            elif asked & name_terms(name):
                why.append({"at": "pinyin", "name": name})
                spoken.append(name)
        return why, self._finder.also(spoken) if spoken else self._finder

    def _coded(self, record: Record, cases: list[_Case]) -> list[dict[str, Any]]:
        """Exact terms that were asked for: household number, document number or code, personal number."""
        words = self._query.words
        asked = {term for word in words for term in word.terms}
        prefixes = tuple(one.begins for one in self._query.prefixes if one.of == "terms")
        extra = record.description.get("extra")
        codes = [str(record.description.get("document_number") or ""), *(case.code for case in cases)]
        codes.append(str(extra.get("M8") or "") if isinstance(extra, dict) else "")
        why: list[dict[str, Any]] = []
        if _met({household_term(case.household_no) for case in cases}, asked, prefixes):
            why.append({"at": "household"})
        if _met({document_term(code) for code in codes if code}, asked, prefixes):
            why.append({"at": "code"})
        if any(word.number for word in words):
            why.append({"at": "number"})
        return why

    def _files(self, record: Record, *, sees: bool) -> list[_File]:
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
            _File(file_id, version, position, self._masked(name, clear=sees), state == TEXT_STATE_DONE)
            for file_id, version, position, name, state in self._session.execute(wanted)
        ]

    def _matching_file(self, record: Record, finder: Finder, *, sees: bool) -> tuple[_File | None, list[str]]:
        """The file in which most words of the query stand, in its text rather than its name, the first of equals."""
        files = self._files(record, sees=sees)
        best: _File | None = files[0] if files else None
        best_pages: list[str] = []
        most = (0, 0)
        for file in files:
            pages = [self._masked(one, clear=sees) for one in self._pages(record.id, file)]
            text = analysis.fold("\n".join(pages))
            met = (finder.met(f"{analysis.fold(file.name)}\n\n{text}"), finder.met(text))
            if met > most:
                best, best_pages, most = file, pages, met
            if most[1] == finder.words:
                break
        return best, best_pages

    def _pages(self, record_id: str, file: _File) -> list[str]:
        """Text of a file; none once a page of hits has read as much as is reasonable."""
        if not file.has_text or not self._finder.words or self._characters <= 0:
            return []
        pages = get_text(self._archive.derivatives, record_id, file.version, file.position) or []
        self._characters -= sum(map(len, pages))
        return pages

    @staticmethod
    def _snippet(
        record: Record, pages: list[str], finder: Finder, *, clear: bool, sees: bool
    ) -> tuple[dict[str, Any], int | None]:
        """The text around the first place; else around a place in the note. Nothing to show: an empty snippet."""
        for number, text in enumerate(_joined(pages, finder), start=1):
            folded = analysis.fold(text)
            ranges = finder.ranges(folded)
            if ranges:
                piece = snippet(text if clear else masked(text), ranges)
                return {"snippet": piece.text, "highlights": [list(one) for one in piece.ranges]}, number
        note = str(record.description.get("note") or "")
        ranges = finder.ranges(analysis.fold(note if sees else masked(note)))
        piece = snippet(note if clear else masked(note), ranges if note else [])
        return {"snippet": piece.text, "highlights": [list(one) for one in piece.ranges]}, None

    def _cases(self, record_ids: Sequence[str]) -> dict[str, list[_Case]]:
        """The case files of records that the person may see, in the order of the register."""
        found: dict[str, list[_Case]] = {}
        for start in range(0, len(record_ids), _BATCH):
            wanted = (
                select(CaseRecord.record_id, CaseFile, Household)
                .join(CaseFile, CaseFile.id == CaseRecord.case_file_id)
                .join(Household, Household.id == CaseFile.household_id)
                .where(
                    CaseRecord.record_id.in_(record_ids[start : start + _BATCH]),
                    visible_cases(self._actor, self._archive.profile),
                )
                .order_by(CaseFile.seq)
            )
            for record_id, case, household in self._session.execute(wanted):
                named = names_shown(self._actor, case, self._archive.profile)
                names = names_of(case, household) if named else ()
                shown = _Case(case.id, household.household_no, case.archival_code or "", names)
                found.setdefault(record_id, []).append(shown)
        return found

    # --- case files ---------------------------------------------------------------------------------------------------

    def _registered(self, case_ids: Sequence[str]) -> Mapping[str, Household]:
        wanted = (
            select(CaseFile.id, Household)
            .join(Household, Household.id == CaseFile.household_id)
            .where(CaseFile.id.in_(case_ids))
        )
        return dict(self._session.execute(wanted).tuples().all()) if case_ids else {}

    def _case_file(self, case: CaseFile, hit: Hit, household: Household) -> dict[str, Any]:
        sees = self._sees_numbers(case)
        clear = self._unmask and sees
        names, title = names_of(case, household), self._masked(case.title, clear=clear)
        why, finder = self._named(names)
        within = self._masked(case.title, clear=sees)
        if not names_shown(self._actor, case, self._archive.profile):
            # found by the name, and shown without it: nothing is marked that would tell what the mask covers
            names = tuple(map(masked_name, names))
            why = [{**one, "name": masked_name(one["name"])} for one in why]
            title = within = case_title(self._actor, case, household, self._archive.profile)
        marked = finder.ranges(analysis.fold(within))
        if marked:
            why.insert(0, {"at": "title"})
        listed = "、".join(names)
        piece = snippet(listed, finder.ranges(analysis.fold(listed)))
        asked = {term for word in self._query.words for term in word.terms}
        prefixes = tuple(one.begins for one in self._query.prefixes if one.of == "terms")
        if _met({household_term(household.household_no)}, asked, prefixes):
            why.append({"at": "household"})
        if case.archival_code and _met({document_term(case.archival_code)}, asked, prefixes):
            why.append({"at": "code"})
        if any(word.number for word in self._query.words):
            why.append({"at": "number"})
        return {
            "kind": HOUSEHOLD,
            "record_id": None,
            "case_file_id": case.id,
            "household_no": household.household_no,
            "title": title,
            "title_highlights": [list(one) for one in marked],
            "path": None,
            "file_id": None,
            "page": None,
            "document_type": None,
            "programme": case.programme,
            "year": case.opened_on.year if case.opened_on else None,
            "date": case.opened_on.isoformat() if case.opened_on else None,
            "organ_id": case.organ_id,
            "division_code": case.division_code,
            "access_level": None,
            "snippet": piece.text,
            "highlights": [list(one) for one in piece.ranges],
            "why": why or [{"at": "description"}],
            "score": hit.score,
        }


def _met(held: set[str], asked: set[str], prefixes: tuple[str, ...]) -> bool:
    return bool(held & asked) or any(term.startswith(prefix) for term in held for prefix in prefixes)


def _joined(pages: list[str], finder: Finder) -> list[str]:
    """Pages one by one; when no page alone holds a place, the whole as one, for a phrase that runs over a page."""
    if any(finder.met(analysis.fold(page)) for page in pages) or not pages:
        return pages
    return ["\n".join(pages)]
