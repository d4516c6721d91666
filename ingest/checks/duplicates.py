"""Duplicates by digest (DA/T 70 A8): within the deposit, and against everything kept already.

What the depositor may not see is not told to her: that a paper is in somebody else's file is itself a fact about that
person. Such a finding has a code of its own, for archivists only (``ingest.findings.told_to``).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from access.actors import Actor
from access.gate import visible_records
from ingest.files import FileRow
from ingest.outcome import Finding
from metadata.profile import Profile
from repository.tables import Record, StoredFile

_BATCH = 500


def run(
    session: Session, rows: Sequence[FileRow], sha256: Mapping[int, str], *, depositor: Actor, profile: Profile
) -> Iterable[Finding]:
    """``sha256`` maps a file's position to its digest. Empty files are nobody's duplicate.

    ``duplicate.in_archive`` names a record that ``depositor`` may see today; ``duplicate.elsewhere`` one that is kept
    where she may not look, told only when she may see none.
    """
    first: dict[str, str] = {}
    for row in rows:
        if row.role != "payload" or row.size == 0:
            continue
        digest = sha256[row.position]
        if digest in first:
            yield Finding("duplicate.in_submission", row.path, {"other": first[digest]})
        else:
            first[digest] = row.path
    visible = visible_records(depositor, profile)
    wanted = list(first)
    for start in range(0, len(wanted), _BATCH):
        part = wanted[start : start + _BATCH]
        kept = (
            select(StoredFile.sha256, StoredFile.record_id, visible)
            .join(Record, Record.id == StoredFile.record_id)
            .where(StoredFile.sha256.in_(part), Record.state == "active")
            .order_by(Record.seq)
        )
        seen: dict[str, str] = {}
        hidden: dict[str, str] = {}
        for digest, record_id, may_see in session.execute(kept):
            (seen if may_see else hidden).setdefault(str(digest), record_id)
        for digest in part:
            if digest in seen:
                yield Finding("duplicate.in_archive", first[digest], {"record_id": seen[digest]})
            elif digest in hidden:
                yield Finding("duplicate.elsewhere", first[digest], {"record_id": hidden[digest]})
