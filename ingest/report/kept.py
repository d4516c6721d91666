"""What is known today of records that are kept: copies, ledger, files, bags, and the findings of their deposits.

Every record that comes in here has passed the gate.
"""

from __future__ import annotations

import json
import zlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import and_, func, select
from sqlalchemy.orm import Session

from ingest.report.files import Seen, by_camera, measured, was_scanned
from metadata.errors import LantaiError
from repository.archive import Archive
from repository.bag.read import directory, read_member
from repository.bag.record_json import RecordJson
from repository.ledger.catalogue import verify_catalogue
from repository.storage.base import Store
from repository.tables import (
    Finding,
    LedgerBlock,
    LedgerEntry,
    Record,
    RecordVersion,
    ReplicaObject,
    RetentionAssignment,
    StoredFile,
    Submission,
    SubmissionFile,
)

_IN = 400
_TAGS = ("metadata/record.json", "metadata/findings.json", "metadata/premis.xml")
_TAG_BYTES = 64 << 20
_OPENED = frozenset({"done"})
_TRIED = frozenset({"done", "failed", "none"})


@dataclass(frozen=True, slots=True)
class Told:
    """A finding of a deposit, from the table or out of a bag."""

    code: str
    severity: str
    outcome: str
    path: str | None
    record_id: str | None
    params: Mapping[str, Any]


@dataclass
class Bag:
    """What was read of one record's bag: its findings, and which of its own metadata were there and could be read."""

    present: frozenset[str] = frozenset()
    readable: bool = False
    findings: list[Told] = field(default_factory=list)
    tools: dict[str, str] = field(default_factory=dict)


@dataclass
class Holdings:
    """Facts about the head versions of ``records``, by record id where a record is concerned."""

    records: Sequence[Record]
    versions: dict[str, RecordVersion] = field(default_factory=dict)
    copies: dict[str, dict[str, str]] = field(default_factory=dict)
    files: dict[str, list[Seen]] = field(default_factory=lambda: defaultdict(list))
    retained: set[str] = field(default_factory=set)
    ledger: dict[tuple[str, int], str] = field(default_factory=dict)
    submissions: dict[str, Submission] = field(default_factory=dict)
    findings: list[Told] = field(default_factory=list)
    bags: dict[str, Bag] = field(default_factory=dict)
    tools: dict[str, str] = field(default_factory=dict)


def _parts(values: Iterable[Any]) -> Iterator[list[Any]]:
    listed = list(values)
    for start in range(0, len(listed), _IN):
        yield listed[start : start + _IN]


def holdings(session: Session, archive: Archive, records: Sequence[Record]) -> Holdings:
    """Everything the catalogue and one replica say of ``records``; bags are read by range, two tag files each."""
    found = Holdings(records)
    ids = [one.id for one in records]
    head = and_(Record.id == RecordVersion.record_id, Record.head_version == RecordVersion.number)
    for part in _parts(ids):
        wanted = select(RecordVersion).join(Record, head).where(RecordVersion.record_id.in_(part))
        found.versions |= {one.record_id: one for one in session.scalars(wanted)}
    _copies(session, archive, found)
    for part in _parts(ids):
        current = RetentionAssignment.current.is_(True)
        kept = select(RetentionAssignment.record_id).where(RetentionAssignment.record_id.in_(part), current)
        found.retained |= set(session.scalars(kept))
        entered = select(LedgerEntry.record_id, LedgerEntry.body).where(
            LedgerEntry.record_id.in_(part), LedgerEntry.act == "record.accessioned"
        )
        for record_id, body in session.execute(entered).tuples():
            told = json.loads(body)
            found.ledger[str(record_id), int(told.get("version", 1))] = str(told.get("object_sha256", ""))
    for part in _parts({one.submission_id for one in records if one.submission_id}):
        found.submissions |= {one.id: one for one in session.scalars(select(Submission).where(Submission.id.in_(part)))}
    _files(session, found)
    for one in records:
        if (version := found.versions.get(one.id)) is not None:
            found.bags[one.id] = _bag(archive, version, found.copies.get(one.id, {}))
    _findings(session, found)
    for submission in found.submissions.values():
        found.tools |= submission.counts.get("tools", {})
    for bag in found.bags.values():
        found.tools |= {name: told for name, told in bag.tools.items() if name not in found.tools}
    return found


def _copies(session: Session, archive: Archive, found: Holdings) -> None:
    keys = {one.object_key: one.record_id for one in found.versions.values()}
    for record_id in keys.values():
        found.copies[record_id] = dict.fromkeys(archive.replicas.names, "pending")
    for part in _parts(keys):
        for row in session.scalars(select(ReplicaObject).where(ReplicaObject.key.in_(part))):
            state = row.outcome or ("pending" if row.written_at is None else "not_checked")
            found.copies[keys[row.key]][row.replica] = state


def _files(session: Session, found: Holdings) -> None:
    technical: dict[tuple[str, str], Any] = {}
    for part in _parts(one.id for one in found.records):
        measures = select(SubmissionFile.record_id, SubmissionFile.path, SubmissionFile.technical)
        for record_id, path, told in session.execute(measures.where(SubmissionFile.record_id.in_(part))).tuples():
            technical[str(record_id), path] = told
    head = and_(Record.id == StoredFile.record_id, Record.head_version == StoredFile.version)
    for part in _parts(found.versions):
        wanted = select(StoredFile).join(Record, head).where(StoredFile.record_id.in_(part))
        for row in session.scalars(wanted.order_by(StoredFile.record_id, StoredFile.position)):
            told = technical.get((row.record_id, row.original_name))
            found.files[row.record_id].append(_seen(row, told))


def _seen(row: StoredFile, technical: Mapping[str, Any] | None) -> Seen:
    states = {row.text_state, row.image_state}
    opened = measured(technical)
    if not opened:
        derived = bool(states & _OPENED) or row.page_count is not None
        opened = True if derived else (False if states & _TRIED else opened)
    return Seen(
        path=row.original_name,
        size=row.size,
        puid=row.puid,
        format=row.format_name,
        mime=row.mime,
        opened=opened,
        signatures=len((technical or {}).get("signatures") or ()),
        record_id=row.record_id,
        scanned=was_scanned(technical),
        camera=by_camera(technical),
    )


# -- findings of the deposit ----------------------------------------------------------------------------------------


def _findings(session: Session, found: Holdings) -> None:
    """From the table while the submission's rows are there; else, after a rebuild, out of the bags."""
    by_submission: dict[str | None, list[Record]] = defaultdict(list)
    for one in found.records:
        by_submission[one.submission_id].append(one)
    seen: set[str] = set()
    for submission_id, records in by_submission.items():
        submission = found.submissions.get(submission_id or "")
        rows = _rows(session, submission, records, found) if submission is not None else None
        if rows is None:
            rows = [told for one in records if one.id in found.bags for told in found.bags[one.id].findings]
        for told in rows:
            mark = json.dumps([submission_id, told.code, told.path, dict(told.params)], sort_keys=True, default=str)
            if mark not in seen:
                seen.add(mark)
                found.findings.append(told)


def _rows(session: Session, submission: Submission, records: list[Record], found: Holdings) -> list[Told] | None:
    """Rows about the records' files and about the deposit as a whole; None when the table has lost them."""
    mine = Finding.submission_id == submission.id
    expected = sum(submission.counts.get("findings", {}).values())
    there = session.scalar(select(func.count()).select_from(Finding).where(mine)) or 0
    if there < expected:
        return None
    if not there:
        return []
    owner = {file.path: one.id for one in records for file in found.files.get(one.id, ())}
    told = [_told(row, None) for row in session.scalars(select(Finding).where(mine, Finding.path.is_(None)))]
    for part in _parts(owner):
        rows = session.scalars(select(Finding).where(mine, Finding.path.in_(part)).order_by(Finding.seq))
        told += [_told(row, owner[str(row.path)]) for row in rows]
    return told


def _told(row: Finding, record_id: str | None) -> Told:
    return Told(row.code, row.severity, row.outcome, row.path, row.record_id or record_id, row.params)


# -- bags -----------------------------------------------------------------------------------------------------------


def _bag(archive: Archive, version: RecordVersion, copies: Mapping[str, str]) -> Bag:
    """The bag's own metadata from the first replica that gives it; an empty one when none does."""
    good = [one for one in archive.replicas.stores if copies.get(one.name) in {"intact", "not_checked"}]
    for store in good or archive.replicas.stores:
        try:
            return _read_bag(store, version)
        except LantaiError:
            continue
    return Bag()


def _read_bag(store: Store, version: RecordVersion) -> Bag:
    members = {one.path: one for one in directory(store, version.object_key) if one.path in _TAGS}
    bag = Bag(frozenset(members))
    read: dict[str, bytes] = {}
    for path in _TAGS[:2]:
        one = members.get(path)
        if one is None or one.size > _TAG_BYTES:
            return bag
        data = b"".join(read_member(store, version.object_key, one.offset, one.size))
        if zlib.crc32(data) != one.crc32:
            return bag
        read[path] = data
    facts = RecordJson.from_bytes(read[_TAGS[0]])
    for file in facts.files:
        bag.tools |= file.identified_by
    try:
        listed = json.loads(read[_TAGS[1]])["findings"]
        bag.findings = [
            Told(
                str(one["code"]),
                str(one["severity"]),
                str(one["outcome"]),
                one.get("path"),
                version.record_id if one.get("path") else None,
                one.get("params") or {},
            )
            for one in listed
        ]
    except (ValueError, KeyError, TypeError):
        return bag
    bag.readable = True
    return bag


# -- the ledger -----------------------------------------------------------------------------------------------------


def ledger_state(session: Session, archive: Archive, most: int) -> tuple[bool | None, int, list[tuple[str, str]]]:
    """Whether blocks, chain, signatures and rows agree (X6), over how many blocks, and what does not.

    None for more than ``most`` blocks: verifying them takes longer than a page may.
    """
    blocks = session.scalar(select(func.count()).select_from(LedgerBlock)) or 0
    if not blocks or blocks > most:
        return None, blocks, []
    report = verify_catalogue(session, archive)
    return not report.problems, blocks, [(one.zh, one.en) for one in report.problems]
