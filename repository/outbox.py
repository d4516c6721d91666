"""The outbox: which subjects need their index entry made anew.

A row is written in the transaction of the act itself, so the index can never miss a committed change. Rows are marked
done one by one and never by a high-water mark, because commits overtake each other: a row with a smaller number can
become visible after one with a larger number was already done. Replaying a row is harmless.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.orm import Session

from repository.tables import Outbox

RECORD = "record"
"""Kind of a row whose subject is a record: its index entry is made from the catalogue as it stands when read."""

CASE_FILE = "case_file"
"""Kind of a row whose subject is a case file: the entries of all its records are made anew."""

_BATCH = 500  # well under the number of parameters that any database takes in one statement


@dataclass(frozen=True, slots=True)
class Pending:
    """A row that is not done yet."""

    seq: int
    kind: str
    subject_id: str


def enqueue(session: Session, kind: str, ids: Iterable[str], now: datetime) -> int:
    """Note that the subjects ``ids`` changed; gives the number of rows. Call it in the transaction of the change."""
    rows = [{"kind": kind, "subject_id": one, "created_at": now, "done_at": None} for one in ids]
    if rows:
        session.execute(insert(Outbox), rows)
    return len(rows)


def pending(session: Session, limit: int = 1000) -> list[Pending]:
    """The oldest rows that are not done, at most ``limit``."""
    wanted = (
        select(Outbox.seq, Outbox.kind, Outbox.subject_id)
        .where(Outbox.done_at.is_(None))
        .order_by(Outbox.seq)
        .limit(limit)
    )
    return [Pending(seq, kind, subject_id) for seq, kind, subject_id in session.execute(wanted)]


def lag(session: Session) -> int:
    """How many rows are not done: what the index does not know yet."""
    return session.scalar(select(func.count()).select_from(Outbox).where(Outbox.done_at.is_(None))) or 0


def mark_done(session: Session, seqs: Sequence[int], now: datetime) -> None:
    """Mark exactly these rows as done; a row that is done already keeps its moment."""
    for start in range(0, len(seqs), _BATCH):
        some = seqs[start : start + _BATCH]
        session.execute(update(Outbox).where(Outbox.seq.in_(some), Outbox.done_at.is_(None)).values(done_at=now))


def forget_done(session: Session, before: datetime) -> None:
    """Remove rows that were done before ``before``; they say nothing that the ledger does not say better."""
    session.execute(delete(Outbox).where(Outbox.done_at < before))
