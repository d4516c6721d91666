"""Assigning anew in batches: after a new version of the profile, or over everything when somebody asks.

Each batch is a transaction; what was done stands, and a run that was broken off goes on where it stopped, because a
record that carries the present version is not taken again. Memory does not grow with the holding.
"""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from repository.archive import Archive
from repository.tables import Record, RetentionAssignment
from retention.schedules import assign_records

BATCH = 500


def _outdated(session: Session, label: str, limit: int) -> list[str]:
    """Active records whose assignment in force was made by another version of the profile."""
    table = RetentionAssignment
    found: list[str] = []
    # two ranges of the index on the version, where one "not equal" would read all of it
    for other in (table.profile_version < label, table.profile_version > label):
        wanted = (
            select(table.record_id)
            .join(Record, Record.id == table.record_id)
            .where(other, table.current, Record.state == "active")
            .limit(limit - len(found))
        )
        if len(found) < limit:
            found.extend(session.scalars(wanted))
    return found


def outdated(session: Session, archive: Archive) -> bool:
    """Whether any assignment in force was made by another version of the profile."""
    return bool(_outdated(session, archive.profile.label, 1))


def reassign_outdated(archive: Archive, *, limit: int = BATCH) -> int:
    """Assign anew a batch of what another version of the profile decided; how many records, 0 when none is left."""
    with archive.sessions.begin() as session:
        ids = _outdated(session, archive.profile.label, limit)
        assign_records(session, archive=archive, record_ids=ids)
    return len(ids)


def reassign_after(archive: Archive, after: int = 0, *, limit: int = BATCH) -> tuple[int, int]:
    """Assign anew the active records that follow ``after`` (``Record.seq``): the last ``seq`` and how many there were.

    For a run over everything; keep the first number to go on from. Assignments that come out the same leave no row.
    """
    with archive.sessions.begin() as session:
        rows = (
            session.execute(
                select(Record.seq, Record.id)
                .where(Record.seq > after, Record.state == "active")
                .order_by(Record.seq)
                .limit(limit)
            )
            .tuples()
            .all()
        )
        assign_records(session, archive=archive, record_ids=[record_id for _, record_id in rows])
    return (rows[-1][0] if rows else after), len(rows)
