"""Counts what is due anew, so that the page of totals reads some rows and never a million.

The counting is one statement over the assignments in force; it is done by a job when something has changed since, at
most so often, and at once while a holding is small.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

from sqlalchemy import delete, func, insert, select
from sqlalchemy.orm import Session

from repository.archive import Archive
from repository.records import count as add_up
from repository.tables import Counter, RetentionAssignment, RetentionTotal
from retention.due import live_totals

AT_ONCE = 20_000
"""A holding with fewer assignments is counted whenever its totals are asked for and something has changed."""

_SEEN, _AT, _TIMES = (f"retention.totals.{one}" for one in ("seen", "at", "times"))
"""Counters of the last counting: the newest assignment that it saw, its second, and how many there have been."""
_STALE = timedelta(hours=6)
_BATCH = 1000


def counted_at(session: Session) -> datetime | None:
    """When the totals were counted last."""
    at = session.get(Counter, _AT)
    return datetime.fromtimestamp(at.value, UTC) if at is not None else None


def counting(session: Session) -> tuple[tuple[str, int], ...]:
    """Which counting the totals are of; another one after the next."""
    names = (_SEEN, _AT, _TIMES)
    wanted = select(Counter.name, Counter.value).where(Counter.name.in_(names)).order_by(Counter.name)
    return tuple(session.execute(wanted).tuples())


def due_for_counting(session: Session, *, small_only: bool = False) -> bool:
    """Whether something has changed since the totals were counted; ``small_only``: and counting takes no time."""
    newest = session.scalar(select(func.max(RetentionAssignment.seq))) or 0
    if small_only and newest >= AT_ONCE:
        return False
    seen = session.get(Counter, _SEEN)
    return seen is None or seen.value != newest


def too_old(session: Session, archive: Archive) -> bool:
    """Whether so much time has passed that what changes no assignment (level, marks) must be counted in."""
    at = counted_at(session)
    return at is None or archive.clock.now() - at > _STALE


def count(session: Session, *, archive: Archive) -> int:
    """Count anew and replace the totals, in the caller's transaction; how many rows there are now."""
    add_up(session, {_TIMES: 1})  # who counts at the same time waits here, and then sees the rows to be replaced
    newest = session.scalar(select(func.max(RetentionAssignment.seq))) or 0
    session.execute(delete(RetentionTotal))
    rows = 0
    found = rows_of_totals(session)
    while part := list(islice(found, _BATCH)):
        session.execute(insert(RetentionTotal), part)
        rows += len(part)
    for name, value in ((_SEEN, int(newest)), (_AT, int(archive.clock.now().timestamp()))):
        session.merge(Counter(name=name, value=value))
    session.flush()
    return rows


def rows_of_totals(session: Session) -> Iterator[dict[str, Any]]:
    """The totals as rows to be inserted, counted over all assignments in force."""
    counted = session.execute(live_totals()).all()
    for organ_id, division_code, access_level, marks, rule_id, outcome, year, records in counted:
        yield {
            "organ_id": organ_id,
            "division_code": division_code,
            "access_level": access_level,
            "marks": ",".join(sorted(_marks(marks))),
            "rule_id": rule_id,
            "outcome": outcome,
            "year": int(year) if year is not None else None,
            "records": records,
        }


def _marks(value: Sequence[Any] | None) -> list[str]:
    return [str(one) for one in value or ()]
