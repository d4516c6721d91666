"""Counts the holdings and what examinations found, month by month.

The counting is two statements over all records and findings; a worker does it when something has changed since. While a
holding is small its pages ask the statements themselves (``counted_live``), so that they are never behind.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import timedelta
from itertools import islice
from typing import Any

from sqlalchemy import Select, delete, extract, func, insert, select
from sqlalchemy.orm import Session

from repository.archive import Archive
from repository.records import count
from repository.tables import Counter, Finding, FindingTotal, HoldingTotal, Record, RecordVersion, Submission

AT_ONCE = 2_000
"""A holding of fewer records, or findings, is counted whenever a page asks."""

_RECORDS_SEEN = "totals.records.seen"
_FINDINGS_SEEN = "totals.findings.seen"
_TIMES = "totals.times"
_AT = "totals.at"
_STALE = timedelta(hours=6)
"""After so long what moves neither number is counted in: destruction, another access level, a new version."""
_BATCH = 1000


def live_holdings() -> Select[Any]:
    """Division, level, marks, programme, year, month, records, files, bytes over all active records."""
    keys = (
        Record.division_code,
        Record.access_level,
        Record.access_marks,
        Record.programme,
        extract("year", Record.created_at),
        extract("month", Record.created_at),
    )
    return (
        select(*keys, func.count(), func.sum(RecordVersion.file_count), func.sum(RecordVersion.payload_bytes))
        .select_from(Record)
        .join(RecordVersion, (RecordVersion.record_id == Record.id) & (RecordVersion.number == Record.head_version))
        .where(Record.state == "active")
        .group_by(*keys)
    )


def live_findings() -> Select[Any]:
    """Organ, severity, code, year, month, findings over all deposits."""
    keys = (
        Submission.organ_id,
        Finding.severity,
        Finding.code,
        extract("year", Finding.created_at),
        extract("month", Finding.created_at),
    )
    return (
        select(*keys, func.count())
        .select_from(Finding)
        .join(Submission, Submission.id == Finding.submission_id)
        .group_by(*keys)
    )


def newest(session: Session) -> tuple[int, int]:
    """The highest numbers of a record and of a finding: about how many there are."""
    return (
        session.scalar(select(func.max(Record.seq))) or 0,
        session.scalar(select(func.max(Finding.seq))) or 0,
    )


def seen(session: Session) -> tuple[tuple[str, int], ...]:
    """Which counting the totals are of: they say the same until this changes."""
    names = (_RECORDS_SEEN, _FINDINGS_SEEN, _TIMES)
    wanted = select(Counter.name, Counter.value).where(Counter.name.in_(names)).order_by(Counter.name)
    return tuple(session.execute(wanted).tuples())


def recount(archive: Archive) -> int:
    """Replace the totals when records or findings were added since they were counted, or that was long ago; how many rows
    were written."""
    now = int(archive.clock.now().timestamp())
    with archive.reading() as session:
        records, findings = newest(session)
        known = dict(session.execute(select(Counter.name, Counter.value)).tuples().all())
        same = (known.get(_RECORDS_SEEN), known.get(_FINDINGS_SEEN)) == (records, findings)
        if same and now - known.get(_AT, 0) < _STALE.total_seconds():
            return 0
        holdings = list(_holding_rows(session.execute(live_holdings())))
        found = [
            {
                "organ_id": organ_id,
                "severity": severity,
                "code": code,
                "year": int(year),
                "month": int(month),
                "findings": count,
            }
            for organ_id, severity, code, year, month, count in session.execute(live_findings())
        ]
    with archive.sessions.begin() as session:
        count(session, {_TIMES: 1})  # who counts at the same time waits here, and then sees the rows to be replaced
        _replace(session, HoldingTotal, holdings)
        _replace(session, FindingTotal, found)
        for name, value in ((_RECORDS_SEEN, records), (_FINDINGS_SEEN, findings), (_AT, now)):
            session.merge(Counter(name=name, value=value))
    return len(holdings) + len(found)


def _replace(session: Session, table: type[HoldingTotal | FindingTotal], rows: Iterable[dict[str, Any]]) -> None:
    session.execute(delete(table))
    waiting = iter(rows)
    while part := list(islice(waiting, _BATCH)):
        session.execute(insert(table), part)


def _holding_rows(rows: Any) -> Iterator[dict[str, Any]]:
    for division_code, access_level, marks, programme, year, month, records, files, payload_bytes in rows:
        yield {
            "division_code": division_code,
            "access_level": access_level,
            "marks": ",".join(sorted(str(one) for one in marks or ())),
            "programme": programme or "",
            "year": int(year),
            "month": int(month),
            "records": records,
            "files": files,
            "payload_bytes": payload_bytes,
        }
