"""A record as one plain value, for commands: description, case files, versions, files, fixity, retention.

Personal numbers in title, description and names are masked as on every screen; the export has them.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from access.masking import masked, masked_all
from repository.archive import Archive
from repository.tables import (
    CaseFile,
    CaseRecord,
    Household,
    Record,
    RecordVersion,
    ReplicaObject,
    RetentionAssignment,
    StoredFile,
)
from retention.schedules import current_assignment


def record_summary(session: Session, archive: Archive, record: Record) -> dict[str, Any]:
    """Everything the catalogue says of ``record``, which the gate has let through; versions and files in order."""
    cases = session.execute(
        select(Household.household_no, CaseFile.id, CaseFile.programme, CaseRecord.position)
        .join(CaseFile, CaseFile.household_id == Household.id)
        .join(CaseRecord, CaseRecord.case_file_id == CaseFile.id)
        .where(CaseRecord.record_id == record.id)
        .order_by(Household.household_no, CaseFile.programme)
    )
    versions = session.scalars(
        select(RecordVersion).where(RecordVersion.record_id == record.id).order_by(RecordVersion.number)
    ).all()
    files = session.scalars(
        select(StoredFile)
        .where(StoredFile.record_id == record.id, StoredFile.version == record.head_version)
        .order_by(StoredFile.position)
    )
    return {
        "id": record.id,
        "title": masked(record.title),
        "document_type": record.document_type,
        "category": record.category,
        "programme": record.programme,
        "year": record.year,
        "date": record.dated.isoformat() if record.dated else None,
        "division_code": record.division_code,
        "access_level": record.access_level,
        "access_marks": record.access_marks,
        "state": record.state,
        "confirmed": record.confirmed,
        "description": masked_all(record.description),
        "description_revision": record.description_revision,
        "profile": record.profile_version,
        "case_files": [
            {"household_no": number, "id": case_id, "programme": programme, "position": position}
            for number, case_id, programme, position in cases
        ],
        "versions": [_version(session, archive, one) for one in versions],
        "files": [_file(one) for one in files],
        "retention": _retention(current_assignment(session, record.id)),
    }


def _version(session: Session, archive: Archive, one: RecordVersion) -> dict[str, Any]:
    states = {
        row.replica: row for row in session.scalars(select(ReplicaObject).where(ReplicaObject.key == one.object_key))
    }
    return {
        "number": one.number,
        "object_key": one.object_key,
        "object_sha256": one.object_sha256,
        "object_size": one.object_size,
        "files": one.file_count,
        "payload_bytes": one.payload_bytes,
        "algorithms": one.algorithms,
        "replicas": {
            name: (states[name].outcome or "not_checked") if name in states and states[name].written_at else "pending"
            for name in archive.replicas.names
        },
    }


def _file(one: StoredFile) -> dict[str, Any]:
    return {
        "id": one.id,
        "path": masked(one.path),
        "original_name": masked(one.original_name),
        "size": one.size,
        "digests": one.digests,
        "puid": one.puid,
        "format": one.format_name,
        "format_version": one.format_version,
        "mime": one.mime,
        "text": one.text_state,
    }


def _retention(row: RetentionAssignment | None) -> dict[str, Any] | None:
    if row is None:
        return None
    return {
        "rule_id": row.rule_id,
        "outcome": row.outcome,
        "trigger": row.trigger,
        "trigger_on": row.trigger_on.isoformat() if row.trigger_on else None,
        "due_on": row.due_on.isoformat() if row.due_on else None,
        "profile": row.profile_version,
    }
