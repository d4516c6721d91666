"""Index entries made from the catalogue: one per record, with the text of all its files, and one per case file.

A record is what is found, permitted and counted; words of one query may stand in different files of it. Which file
matched is found afterwards, for the few hits of a page, in the text of the derivatives (``search.showing``). A case
file's entry holds what the household register says, nothing of its records: who may see the one may not see the other.
An entry holds no personal number in clear, neither from the text nor from the catalogue.
"""

from __future__ import annotations

import base64
import binascii
import logging
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from metadata.errors import Invalid
from repository.archive import Archive
from repository.derivatives import get_text
from repository.tables import CaseFile, CaseRecord, Household, Record, StoredFile
from search import analysis, formats, numbers, vocabulary
from search.analysis import Analysed
from search.engines.base import HOUSEHOLD, IndexDocument
from search.query import document_term, household_terms, name_terms

log = logging.getLogger(__name__)

UNKNOWN_MARK = "?"
"""Stands for a mark that the profile does not know; everybody's permission leaves it out."""

TEXT_STATE_DONE = "done"
_MOST_CHARACTERS = 20_000_000
_BATCH = 200
_SEALED = "_sealed"
_LONGEST_NAME = 20
_TITLE_IN_ORDER = 24


@dataclass(slots=True)
class _Facts:
    """What the catalogue knows about one record besides its row."""

    files: list[tuple[int, int, str, str]] = field(default_factory=list)  # version, position, name, text_state
    formats: set[str] = field(default_factory=set)
    code: str = ""
    words: list[str] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    terms: list[str] = field(default_factory=list)
    sealed: list[bytes] = field(default_factory=list)


def documents(session: Session, archive: Archive, record_ids: Sequence[str]) -> Iterator[IndexDocument]:
    """The entries of those of ``record_ids`` that are active; the others have none and are to be deleted."""
    for start in range(0, len(record_ids), _BATCH):
        some = record_ids[start : start + _BATCH]
        records = session.scalars(select(Record).where(Record.id.in_(some), Record.state == "active")).all()
        facts = {record.id: _Facts() for record in records}
        _add_files(session, facts)
        _add_cases(session, facts)
        for record in records:
            yield _document(archive, record, facts[record.id])


def _add_files(session: Session, facts: Mapping[str, _Facts]) -> None:
    wanted = (
        select(
            StoredFile.record_id,
            StoredFile.version,
            StoredFile.position,
            StoredFile.original_name,
            StoredFile.text_state,
            StoredFile.mime,
            StoredFile.puid,
        )
        .join(Record, (Record.id == StoredFile.record_id) & (Record.head_version == StoredFile.version))
        .where(StoredFile.record_id.in_(list(facts)))
        .order_by(StoredFile.record_id, StoredFile.position)
    )
    for record_id, version, position, name, text_state, mime, puid in session.execute(wanted):
        fact = facts[record_id]
        fact.files.append((version, position, name, text_state))
        fact.formats.add(formats.short(mime, name))
        if puid:
            fact.terms.append(formats.puid_term(puid))


def _add_cases(session: Session, facts: Mapping[str, _Facts]) -> None:
    wanted = (
        select(CaseRecord.record_id, CaseFile, Household)
        .join(CaseFile, CaseFile.id == CaseRecord.case_file_id)
        .join(Household, Household.id == CaseFile.household_id)
        .where(CaseRecord.record_id.in_(list(facts)))
        .order_by(CaseFile.seq)
    )
    for record_id, case, household in session.execute(wanted):
        _add_case(facts[record_id], case, household)


def _add_case(fact: _Facts, case: CaseFile, household: Household) -> None:
    """What the register says of a case file."""
    fact.terms += household_terms(household.household_no)
    fact.words += [household.household_no, case.title, household.applicant_name]
    fact.names.append(household.applicant_name)
    if household.applicant_id_sealed:
        fact.sealed.append(household.applicant_id_sealed)
    if case.archival_code:
        fact.terms.append(document_term(case.archival_code))
        fact.words.append(case.archival_code)
        fact.code = fact.code or case.archival_code
    for member in case.state.get("members") or []:
        if isinstance(member, dict):
            _add_person(fact, member)


def _add_person(fact: _Facts, person: Mapping[str, Any]) -> None:
    name = person.get("name")
    if isinstance(name, str):
        fact.names.append(name)
        fact.words.append(name)
    for key, value in person.items():
        if key.endswith(_SEALED) and isinstance(value, str):
            try:
                fact.sealed.append(base64.b64decode(value, validate=True))
            except (ValueError, binascii.Error):
                log.warning("a sealed value in a case file is not base64")


def _document(archive: Archive, record: Record, facts: _Facts) -> IndexDocument:
    profile = archive.profile
    description = record.description
    persons = [str(one) for one in description.get("persons") or []]
    author = str(description.get("author") or "")
    number = str(description.get("document_number") or "")
    extra = description.get("extra")
    values = [str(one) for one in extra.values() if one] if isinstance(extra, dict) else []
    file_names = [name for _, _, name, _ in facts.files]
    parts = [str(description.get("note") or ""), author, number, *persons, *values, *facts.words]
    for named in (
        profile.document_types.get(record.document_type or ""),
        profile.programmes.get(record.programme or ""),
    ):
        parts += [named.zh, named.en] if named is not None else []
    parts += [*file_names, *_texts(archive, record.id, facts)]
    title, found = _cut(record.title)
    text, found_in_text = _cut("\n\n".join(part for part in parts if part))
    hashed = {*found, *found_in_text, *_unsealed(archive, facts.sealed)}
    code = _archival_code(extra)
    names = _names((*facts.names, *persons, author))
    return IndexDocument(
        id=record.id,
        seq=record.seq * 2,
        title=title,
        text=text,
        terms=_terms(archive, facts, names, hashed, (number, code)),
        division_code=record.division_code,
        access_level=record.access_level,
        access_marks=known_marks(record.access_marks, profile.access_marks),
        organ_id=record.organ_id,
        programme=record.programme or "",
        document_type=record.document_type or "",
        year=record.year,
        dated=record.dated,
        files=_cut("\n\n".join(file_names))[0],
        formats=tuple(sorted(facts.formats)),
        created=int(record.created_at.timestamp()),
        code=_code(code or facts.code, record.title),
        vocabulary=_vocabulary(record.title, names),
    )


def case_documents(session: Session, archive: Archive, case_ids: Sequence[str]) -> Iterator[IndexDocument]:
    """The entries of those of ``case_ids`` that there are; the others have none and are to be deleted."""
    for start in range(0, len(case_ids), _BATCH):
        wanted = (
            select(CaseFile, Household)
            .join(Household, Household.id == CaseFile.household_id)
            .where(CaseFile.id.in_(case_ids[start : start + _BATCH]))
        )
        for case, household in session.execute(wanted):
            yield _case_document(archive, case, household)


def _case_document(archive: Archive, case: CaseFile, household: Household) -> IndexDocument:
    facts = _Facts()
    _add_case(facts, case, household)
    programme = archive.profile.programmes.get(case.programme)
    parts = [*facts.words[:1], *facts.words[2:], *([programme.zh, programme.en] if programme is not None else [])]
    title, found = _cut(case.title)
    text, found_in_text = _cut("\n\n".join(part for part in parts if part))
    hashed = {*found, *found_in_text, *_unsealed(archive, facts.sealed)}
    names = _names(facts.names)
    return IndexDocument(
        id=case.id,
        seq=case.seq * 2 + 1,
        title=title,
        text=text,
        terms=_terms(archive, facts, names, hashed, ()),
        division_code=case.division_code,
        access_level="",
        access_marks=(),
        organ_id=case.organ_id,
        programme=case.programme,
        year=case.opened_on.year if case.opened_on else None,
        dated=case.opened_on,
        kind=HOUSEHOLD,
        created=int(case.created_at.timestamp()),
        code=_code(case.archival_code or "", case.title),
        vocabulary=_vocabulary(case.title, names),
    )


def _names(given: Iterable[str]) -> list[str]:
    """Names that may stand in the index as such: short, and holding no personal number."""
    short = {name for name in given if 0 < len(name) <= _LONGEST_NAME}
    return sorted(name for name in short if not numbers.hide(analysis.fold(name), "")[1])


def _terms(
    archive: Archive, facts: _Facts, names: Iterable[str], hashed: Iterable[str], codes: Iterable[str]
) -> tuple[str, ...]:
    terms = set(facts.terms)
    for name in names:
        terms |= name_terms(name)
    terms.update(term for one in hashed for term in numbers.hashes(one, archive.keys.blind))
    terms.update(document_term(one) for one in codes if one)
    return tuple(sorted(terms))


def _vocabulary(title: str, names: Iterable[str]) -> tuple[str, ...]:
    """Words that may be suggested: names, and words of the title. Personal numbers are no Han characters."""
    words = dict.fromkeys((*names, *vocabulary.words_of_title(title)))
    return tuple(dict.fromkeys(key for word in words for key in vocabulary.keys(word)))


def _code(code: str, title: str) -> str:
    """What the order by code compares: the archival code; entries without one follow by title."""
    shown, _ = numbers.hide(analysis.fold(code or title), analysis.HIDDEN)
    return shown if code else f"~{shown[:_TITLE_IN_ORDER]}"


def known_marks(marks: Collection[Any], known: Collection[str]) -> tuple[str, ...]:
    """Marks as the index holds them: one that the profile does not know becomes ``UNKNOWN_MARK``, which hides."""
    return tuple(sorted({mark if mark in known else UNKNOWN_MARK for mark in marks}))


def _archival_code(extra: object) -> str:
    return str(extra.get("M8") or "") if isinstance(extra, dict) else ""


def _texts(archive: Archive, record_id: str, facts: _Facts) -> Iterator[str]:
    left = _MOST_CHARACTERS
    for version, position, _, state in facts.files:
        if state != TEXT_STATE_DONE:
            continue
        pages = get_text(archive.derivatives, record_id, version, position)
        if not pages:
            continue
        text = "\n".join(pages)
        if len(text) > left:
            log.warning("record %s holds more text than is indexed (%d characters)", record_id, _MOST_CHARACTERS)
        yield text[:left]
        left -= len(text)
        if left <= 0:
            return


def _cut(text: str) -> tuple[Analysed, list[str]]:
    """Text as the index holds it, and the personal numbers that were taken out of it."""
    shown, hidden = numbers.hide(analysis.fold(text), analysis.HIDDEN)
    return analysis.analyse(shown), hidden


def _unsealed(archive: Archive, sealed: Sequence[bytes]) -> Iterator[str]:
    for one in sealed:
        try:
            yield archive.keys.unseal(one).strip().upper()
        except Invalid:
            log.warning("a sealed number cannot be opened; it will not be found by search")
