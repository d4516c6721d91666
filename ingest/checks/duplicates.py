"""Duplicates by digest (DA/T 70 A8): within the deposit, and against everything kept already."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from ingest.files import FileRow
from ingest.outcome import Finding
from repository.tables import StoredFile

_BATCH = 500


def run(session: Session, rows: Sequence[FileRow], sha256: Mapping[int, str]) -> Iterable[Finding]:
    """``sha256`` maps a file's position to its digest. Empty files are nobody's duplicate."""
    first: dict[str, str] = {}
    for row in rows:
        if row.role != "payload" or row.size == 0:
            continue
        digest = sha256[row.position]
        if digest in first:
            yield Finding("duplicate.in_submission", row.path, {"other": first[digest]})
        else:
            first[digest] = row.path
    wanted = list(first)
    for start in range(0, len(wanted), _BATCH):
        part = wanted[start : start + _BATCH]
        kept = select(StoredFile.sha256, StoredFile.record_id).where(StoredFile.sha256.in_(part))
        told: set[str] = set()
        for digest, record_id in session.execute(kept):
            if digest is not None and digest not in told:
                told.add(digest)
                yield Finding("duplicate.in_archive", first[digest], {"record_id": record_id})
