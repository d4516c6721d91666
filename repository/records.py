"""Accession: records enter the catalogue, a batch in one transaction, after every required replica has their bytes.

Many-file inserts are bulk statements; no object is made for a file.
"""

from __future__ import annotations

import hashlib
import uuid
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from sqlalchemy import insert
from sqlalchemy.orm import Session

from repository import cases, outbox
from repository.archive import Archive
from repository.db import insert_or
from repository.ledger import acts
from repository.ledger.acts import AccessionedRecord, ActorRef
from repository.objects import NewObject, register_many
from repository.revisions import revise_cases
from repository.tables import Counter, Record, RecordVersion, StoredFile

_FILE_ROWS = 5_000


def file_id(record_id: str, version: int, position: int) -> str:
    """The id of a payload file: UUID version 5 of its record, version and place, so that a rebuild finds it again.

    It stands in PREMIS, in the catalogue and in the use register.
    """
    return _file_id(uuid.UUID(record_id).bytes, version, position)


def file_ids(record_id: str, version: int, count: int) -> list[str]:
    """The ids of the first ``count`` payload files of a version, by position from 0."""
    record = uuid.UUID(record_id).bytes
    return [_file_id(record, version, position) for position in range(count)]


def _file_id(record: bytes, version: int, position: int) -> str:
    name = record + f"v{version}/{position}".encode()
    made = bytearray(hashlib.sha1(name, usedforsecurity=False).digest()[:16])
    made[6] = made[6] & 0x0F | 0x50
    made[8] = made[8] & 0x3F | 0x80
    text = made.hex()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


@dataclass(frozen=True, slots=True)
class AccessionItem:
    """One record version with what the catalogue says about it.

    ``files``: rows of ``stored_file`` without id, record and version, in the order of the bag. ``written``: replicas
    that confirmed the object. ``description``: ``Description.model_dump(mode="json")``.
    """

    record_id: str
    title: str
    document_type: str | None
    category: str
    programme: str | None
    year: int | None
    dated: date | None
    organ_id: str
    division_code: str
    access_level: str
    access_marks: Sequence[str]
    description: Mapping[str, Any]
    profile_version: str
    object_key: str
    object_sha256: str
    object_size: int
    algorithms: Sequence[str]
    payload_bytes: int
    files: Sequence[Mapping[str, Any]]
    written: Sequence[str]
    version: int = 1
    case_file_ids: Sequence[str] = field(default_factory=tuple)


def accession(
    session: Session,
    *,
    archive: Archive,
    actor: ActorRef,
    batch: Sequence[AccessionItem],
    submission_id: str | None = None,
) -> None:
    """Enter ``batch``: records, versions, files, objects, places in case files, ledger, outbox and totals.

    The caller makes sure that the batch was not entered before (a record's id is unique: a second time fails whole).
    """
    if not batch:
        return
    now = archive.clock.now()
    session.execute(insert(Record), [_record_row(one, submission_id) | {"created_at": now} for one in batch])
    session.execute(insert(RecordVersion), [_version_row(one) | {"created_at": now} for one in batch])
    rows: list[dict[str, Any]] = []
    for one in batch:
        ids = file_ids(one.record_id, one.version, len(one.files))
        rows += [
            {**row, "id": one_id, "record_id": one.record_id, "version": one.version, "position": position}
            for position, (row, one_id) in enumerate(zip(one.files, ids, strict=True))
        ]
    for start in range(0, len(rows), _FILE_ROWS):
        session.execute(insert(StoredFile.__table__), rows[start : start + _FILE_ROWS])  # type: ignore[arg-type]  # a Table, seen as FromClause
    register_many(
        session,
        clock=archive.clock,
        objects=[
            NewObject(one.object_key, "bag", one.object_sha256, one.object_size, one.record_id, None, one.written)
            for one in batch
        ],
    )
    _file_into_cases(session, archive, actor, batch)
    acts.records_accessioned(
        session,
        at=now,
        actor=actor,
        submission_id=submission_id,
        records=[
            AccessionedRecord(
                one.record_id, one.version, one.object_sha256, one.object_size, len(one.files), one.case_file_ids
            )
            for one in batch
        ],
    )
    outbox.enqueue(session, outbox.RECORD, [one.record_id for one in batch], now)
    count(
        session,
        {
            "records": len(batch),
            "versions": len(batch),
            "files": len(rows),
            "bytes": sum(one.payload_bytes for one in batch),
        },
    )


def _record_row(one: AccessionItem, submission_id: str | None) -> dict[str, Any]:
    return {
        "id": one.record_id,
        "title": one.title,
        "document_type": one.document_type,
        "category": one.category,
        "programme": one.programme,
        "year": one.year,
        "dated": one.dated,
        "organ_id": one.organ_id,
        "division_code": one.division_code,
        "access_level": one.access_level,
        "access_marks": list(one.access_marks),
        "filed": bool(one.case_file_ids),
        "description": dict(one.description),
        "submission_id": submission_id,
        "profile_version": one.profile_version,
    }


def _version_row(one: AccessionItem) -> dict[str, Any]:
    return {
        "record_id": one.record_id,
        "number": one.version,
        "object_key": one.object_key,
        "object_sha256": one.object_sha256,
        "object_size": one.object_size,
        "file_count": len(one.files),
        "payload_bytes": one.payload_bytes,
        "algorithms": list(one.algorithms),
    }


def _file_into_cases(session: Session, archive: Archive, actor: ActorRef, batch: Iterable[AccessionItem]) -> None:
    links: dict[str, list[cases.Filed]] = defaultdict(list)
    for one in batch:
        for case_id in one.case_file_ids:
            links[case_id].append(cases.Filed(one.record_id, one.document_type, one.dated))
    if links:
        revised = cases.add_records(session, archive=archive, links=links)
        revise_cases(session, archive=archive, actor=actor, cases=revised)


def count(session: Session, added: Mapping[str, int]) -> None:
    """Add to the totals that ``status`` shows, in the transaction of the act that changes them."""
    for name, number in sorted(added.items()):  # in one order, so that two who count never wait for each other
        statement = insert_or(session, Counter).values(name=name, value=number)
        session.execute(
            statement.on_conflict_do_update(
                index_elements=[Counter.name], set_={"value": Counter.value + statement.excluded.value}
            )
        )
