"""Retention at the size of a province's archive: the due list, totals, holds and counting over many records.

``python -m bench.retention [--records N] [--organs N]``: a JSON line a case with p50 and p95 in milliseconds. The
rows are written straight into a fresh catalogue; nothing is kept.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from sqlalchemy import insert
from sqlalchemy.orm import Session

from access.actors import Actor, RoleHeld
from metadata.identifiers import new_id
from metadata.profile import builtin
from repository.db import open_engine, open_sessions, reading_sessions
from repository.tables import Base, Counter, Hold, HoldSubject, Organ, Record, RetentionAssignment, RetentionTotal
from retention import due, holds
from retention.due import DueFilter
from retention.totals import rows_of_totals

ROUNDS = 200
_BATCH = 5_000
_RULES = ("R01", "R03", "R07", "R09", "R05")


def main() -> None:
    """Make the rows, measure, print."""
    parser = argparse.ArgumentParser(prog="bench.retention", description=__doc__)
    parser.add_argument("--records", type=int, default=1_000_000)
    parser.add_argument("--organs", type=int, default=500)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="lantai-retention-") as folder:
        engine = open_engine(f"sqlite:///{Path(folder) / 'lantai.db'}", busy_seconds=60)
        Base.metadata.create_all(engine)
        writing, reading = open_sessions(engine), reading_sessions(engine)
        with writing.begin() as session:
            organs = _organs(session, given.organs)
        ids = _records(writing, organs, given.records)
        began = time.perf_counter()
        with writing.begin() as session:
            rows = list(rows_of_totals(session))
            for start in range(0, len(rows), _BATCH):
                session.execute(insert(RetentionTotal), rows[start : start + _BATCH])
            session.add(Counter(name="retention.totals.seen", value=given.records))
        _say("count totals anew (job)", [time.perf_counter() - began], rows=len(rows))
        _holds(writing, ids)
        _measure(reading, organs, ids)
        engine.dispose()


def _organs(session: Session, count: int) -> list[tuple[str, str]]:
    made = [(new_id(), f"990101{number:03d}001") for number in range(count)]
    session.execute(
        insert(Organ),
        [
            {
                "id": organ_id,
                "code": f"o{number}",
                "name_zh": f"机构{number}",
                "level": "TS",
                "division_prefix": code[:9],
            }
            for number, (organ_id, code) in enumerate(made)
        ],
    )
    return made


def _records(writing: Callable[[], Session], organs: list[tuple[str, str]], count: int) -> list[str]:
    now, label = datetime.now(UTC), builtin("social_assistance").label
    ids: list[str] = []
    for start in range(0, count, _BATCH):
        records: list[dict[str, object]] = []
        assigned: list[dict[str, object]] = []
        for number in range(start, min(start + _BATCH, count)):
            organ_id, division = organs[number % len(organs)]
            record_id, outcome = new_id(), ("due", "due", "due", "waiting", "permanent")[number // 3 % 5]
            ids.append(record_id)
            records.append(
                {
                    "id": record_id,
                    "title": f"文件 {number}",
                    "organ_id": organ_id,
                    "division_code": division,
                    "access_level": "internal",
                    "access_marks": [],
                    "description": {},
                    "profile_version": label,
                    "created_at": now,
                }
            )
            assigned.append(
                {
                    "record_id": record_id,
                    "organ_id": organ_id,
                    "rule_id": _RULES[number // len(organs) % 5],
                    "profile_version": label,
                    "outcome": outcome,
                    "trigger": "year_end",
                    "due_on": date(2020, 1, 1) + timedelta(days=number * 7919 % 9000) if outcome == "due" else None,
                    "detail": {},
                    "current": True,
                    "assigned_at": now,
                }
            )
        with writing() as session, session.begin():
            session.execute(insert(Record), records)
            session.execute(insert(RetentionAssignment), assigned)
    return ids


def _holds(writing: Callable[[], Session], ids: list[str]) -> None:
    now = datetime.now(UTC)
    with writing() as session, session.begin():
        for number in range(20):
            hold = Hold(
                id=new_id(), title="h", authority="a", reason="r", placed_by="x", placed_at=now, lift_authority="",
                lift_reason="",
            )  # fmt: skip
            session.add(hold)
            session.flush()
            part = ids[number * 500 : number * 500 + 500]
            session.execute(
                insert(HoldSubject), [{"hold_id": hold.id, "kind": "record", "subject_id": one} for one in part]
            )


def _measure(reading: Callable[[], Session], organs: list[tuple[str, str]], ids: list[str]) -> None:
    profile = builtin("social_assistance")
    county = Actor(new_id(), "account", "", None, (RoleHeld("archive_chief", organs[0][0], "990101", "CB"),))
    year = DueFilter(since=date(2027, 1, 1), until=date(2027, 12, 31))
    deep = date(2030, 6, 1), 0

    def listed(filters: DueFilter, after: tuple[date, int] | None = None) -> Callable[[Session], object]:
        return lambda session: due.due_list(session, county, profile=profile, filters=filters, after=after, limit=51)

    cases: dict[str, Callable[[Session], object]] = {
        "due list, first page": listed(DueFilter()),
        "due list, deep page": listed(DueFilter(), deep),
        "due list, one year": listed(year),
        "due list, one organ": listed(DueFilter(organ_id=organs[7][0])),
        "due list, one rule, one year": listed(DueFilter(year.since, year.until, rule_id="R07")),
        "totals by organ": lambda session: due.totals(
            session, county, profile=profile, by_rule=False, folded=(2026, 2035)
        ),
        "totals of one organ": lambda session: due.totals(session, county, profile=profile, organ_id=organs[7][0]),
        "organs with something due": lambda session: due.organs_with_due(session, county, profile=profile),
        "holds over 50 records": lambda session: holds.blocks(session, ids[:50]),
        "holds over 500 records": lambda session: holds.blocks(session, ids[-500:]),
        "holds a person sees": lambda session: holds.list_holds(session, county, profile),
    }
    for name, act in cases.items():
        times = []
        with reading() as session:
            for _ in range(ROUNDS):
                began = time.perf_counter()
                act(session)
                session.expire_all()
                times.append(time.perf_counter() - began)
                if sum(times) > 10:
                    break
        _say(name, times)


def _say(name: str, times: list[float], **more: int) -> None:
    ordered = sorted(times)
    told = {
        "case": name,
        "p50_ms": round(statistics.median(ordered) * 1000, 2),
        "p95_ms": round(ordered[max(0, int(len(ordered) * 0.95) - 1)] * 1000, 2),
        "rounds": len(ordered),
    }
    sys.stdout.write(json.dumps(told | more) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
