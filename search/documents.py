"""Index entries made from the catalogue: one per record, with the text of all its files.

A record is what is found, permitted and counted; words of one query may stand in different files of it. Which file
matched is found afterwards, for the few hits of a page, in the text of the derivatives (``search.service``). An entry
holds no personal number in clear, neither from the text nor from the catalogue.
"""

from __future__ import annotations

import base64
import binascii
import logging
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from metadata.errors import Invalid
from repository.archive import Archive
from repository.derivatives import get_text
from repository.tables import CaseFile, CaseRecord, Household, Record, StoredFile
from search import analysis, numbers
from search.analysis import Analysed
from search.engines.base import IndexDocument
from search.query import document_term, household_term, name_term

log = logging.getLogger(__name__)

UNKNOWN_MARK = "?"
"""Stands for a mark that the profile does not know; everybody's permission leaves it out."""

TEXT_STATE_DONE = "done"
_MOST_CHARACTERS = 20_000_000
_BATCH = 200
_SEALED = "_sealed"
_LONGEST_NAME = 20


@dataclass(slots=True)
class _Facts:
    """What the catalogue knows about one record besides its row."""

    files: list[tuple[int, int, str, str]] = field(default_factory=list)  # version, position, name, text_state
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
        )
        .join(Record, (Record.id == StoredFile.record_id) & (Record.head_version == StoredFile.version))
        .where(StoredFile.record_id.in_(list(facts)))
        .order_by(StoredFile.record_id, StoredFile.position)
    )
    for record_id, version, position, name, text_state in session.execute(wanted):
        facts[record_id].files.append((version, position, name, text_state))


def _add_cases(session: Session, facts: Mapping[str, _Facts]) -> None:
    wanted = (
        select(CaseRecord.record_id, CaseFile, Household)
        .join(CaseFile, CaseFile.id == CaseRecord.case_file_id)
        .join(Household, Household.id == CaseFile.household_id)
        .where(CaseRecord.record_id.in_(list(facts)))
        .order_by(CaseFile.seq)
    )
    for record_id, case, household in session.execute(wanted):
        fact = facts[record_id]
        fact.terms.append(household_term(household.household_no))
        fact.words += [household.household_no, case.title, household.applicant_name]
        fact.names.append(household.applicant_name)
        if household.applicant_id_sealed:
            fact.sealed.append(household.applicant_id_sealed)
        if case.archival_code:
            fact.terms.append(document_term(case.archival_code))
            fact.words.append(case.archival_code)
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
    parts = [str(description.get("note") or ""), author, number, *persons, *values, *facts.words]
    document_type = profile.document_types.get(record.document_type or "")
    if document_type is not None:
        parts += [document_type.zh, document_type.en]
    programme = profile.programmes.get(record.programme or "")
    if programme is not None:
        parts += [programme.zh, programme.en]
    parts += [name for _, _, name, _ in facts.files]
    parts += _texts(archive, record.id, facts)
    title, found = _cut(record.title)
    text, found_in_text = _cut("\n\n".join(part for part in parts if part))
    hashed = {*found, *found_in_text, *_unsealed(archive, facts.sealed)}
    names = {name for name in (*facts.names, *persons, author) if 0 < len(name) <= _LONGEST_NAME}
    terms = {*facts.terms, *map(name_term, names)}
    terms.update(term for one in hashed for term in numbers.hashes(one, archive.keys.blind))
    terms.update(document_term(one) for one in (number, _archival_code(extra)) if one)
    return IndexDocument(
        record_id=record.id,
        seq=record.seq,
        title=title,
        text=text,
        terms=tuple(sorted(terms)),
        division_code=record.division_code,
        access_level=record.access_level,
        access_marks=known_marks(record.access_marks, profile.access_marks),
        organ_id=record.organ_id,
        programme=record.programme or "",
        document_type=record.document_type or "",
        year=record.year,
        dated=record.dated,
    )


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
