"""What the gate costs: one decision in memory, and what it adds to lists and searches of a million files."""

from __future__ import annotations

import random
import sqlite3
import statistics
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Select, create_engine, insert, select
from sqlalchemy.orm import Session

from access import gate
from access.actors import Actor, GrantHeld, RoleHeld
from bench.measure import Result
from metadata.profile import Profile, builtin
from metadata.rights import Permission
from repository.tables import Base, Organ, Record

MOST = 50.0
"""Microseconds that a decision may take."""
ADDED = round(1 / 1.15, 3)
"""Unfiltered / filtered: the filter adds at most 15 %."""
_ORGANS = 500
_COUNTY = "990101"
_ROUNDS = 60
_PAGE = 50
_LEVELS = ("internal", "internal", "internal", "open", "restricted")
_MARKS = ("[]",) * 9 + ('["minor"]',)


def results(folder: Path, *, quick: bool) -> Iterator[Result]:
    """A decision; pages of a list for who reaches the county and for who reaches one township of it."""
    count = 100_000 if quick else 1_000_000
    path = _catalogue(folder / f"gate-{count}", count)
    label, profile = f"{count:,} records of {_ORGANS} organs", builtin("social_assistance")
    engine = create_engine(f"sqlite:///{path}")
    try:
        with Session(engine) as session:
            people = _people(session)
            yield _decision(session, profile, people["one township, 20 grants"])
            for name, actor in people.items():
                yield _list(session, profile, label, name, actor)
    finally:
        engine.dispose()


def _catalogue(root: Path, count: int) -> Path:
    """Rows straight into the catalogue's own tables; kept for the next time."""
    path = root / "catalogue.db"
    if path.exists():
        return path
    root.mkdir(parents=True, exist_ok=True)
    making = root / "making.db"
    making.unlink(missing_ok=True)
    engine = create_engine(f"sqlite:///{making}")
    Base.metadata.create_all(engine)
    organs = [
        {
            "id": f"organ-{number:03}",
            "code": f"o{number}",
            "name_zh": "乡镇",
            "name_en": "",
            "level": "TS",
            "division_prefix": f"{_COUNTY}{number:03}",
            "revision": 0,
        }
        for number in range(_ORGANS)
    ]
    with engine.begin() as connection:
        connection.execute(insert(Organ), organs)
    engine.dispose()
    rng, now = random.Random(9), datetime(2026, 1, 1, tzinfo=UTC).strftime("%Y-%m-%d %H:%M:%S.%f")
    rows = (
        (
            number,
            f"{number:036}",
            "低保申请书",
            "ZY",
            organs[organ]["id"],
            f"{_COUNTY}{organ:03}{rng.randrange(201, 221)}",
            rng.choice(_LEVELS),
            rng.choice(_MARKS),
            "active",
            1,
            1,
            "{}",
            0,
            "x",
            1,
            now,
        )
        for number in range(1, count + 1)
        for organ in (rng.randrange(_ORGANS),)
    )
    with sqlite3.connect(making) as catalogue:
        catalogue.execute("PRAGMA synchronous=OFF")
        catalogue.executemany(
            "INSERT INTO record (seq, id, title, category, organ_id, division_code, access_level, access_marks, state,"
            " confirmed, head_version, description, description_revision, profile_version, row_version, created_at)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            rows,
        )
        catalogue.execute("ANALYZE")
    catalogue.close()
    making.rename(path)
    return path


def _people(session: Session) -> dict[str, Actor]:
    ids = list(session.scalars(select(Record.id).order_by(Record.seq).limit(2000)))
    grants = tuple(
        GrantHeld(
            f"g{number}",
            f"r{number}",
            f"JY-{number}",
            frozenset({"record.read", "record.list"}),
            frozenset(ids[number * 100 : number * 100 + 100]),
            frozenset(),
            None,
        )
        for number in range(20)
    )
    township = RoleHeld("clerk_township", "organ-007", f"{_COUNTY}007", "TS")
    borrower = RoleHeld("borrower_external", "organ-007", "", "OD")
    fifty = tuple(
        RoleHeld("clerk_township", f"organ-{one:03}", f"{_COUNTY}{one:03}", "TS") for one in range(0, 500, 10)
    )
    return {
        "the county": Actor("c", "account", "", None, (RoleHeld("archivist", None, _COUNTY, "CB"),)),
        "fifty townships": Actor("f", "account", "", None, fifty),
        "one township": Actor("t", "account", "", None, (township,)),
        "one township, 20 grants": Actor("g", "account", "", None, (township, borrower), grants=grants),
    }


def _decision(session: Session, profile: Profile, actor: Actor) -> Result:
    """Roles, level, marks and twenty grants of a hundred records looked at; most records are refused, the longest way."""
    records = list(session.scalars(select(Record).order_by(Record.seq.desc()).limit(1000)))
    times = []
    for _ in range(_ROUNDS):
        began = time.perf_counter()
        for record in records:
            gate.decide(actor, record, Permission.RECORD_READ, profile)
        times.append((time.perf_counter() - began) / len(records) * 1e6)
    took = statistics.median(times)
    return Result("gate, one decision", "a role and 20 grants", took, MOST, "µs", MOST / took, 1.0)


def _list(session: Session, profile: Profile, label: str, name: str, actor: Actor) -> Result:
    """A page of the list of records from anywhere in it, with the filter and without it.

    Who reaches one township of five hundred pays for finding her rows among the others' too.
    """
    criterion = gate.visible_records(actor, profile, Permission.RECORD_LIST)
    rng, highest = random.Random(3), session.scalars(select(Record.seq).order_by(Record.seq.desc()).limit(1)).one()
    starts = [rng.randrange(highest) for _ in range(_ROUNDS)]
    page = select(Record).order_by(Record.seq).limit(_PAGE)
    filtered = [_timed(session, page.where(criterion, Record.seq > start)) for start in starts]
    plain = [_timed(session, page.where(Record.state == "active", Record.seq > start)) for start in starts]
    ours, other = statistics.median(filtered), statistics.median(plain)
    sys.stderr.write(f"   {name}: {ours:.2f} ms, without {other:.2f} ms\n")
    return Result(f"list of 50, {name}", label, ours, other, "ms", other / ours, ADDED)


def _timed(session: Session, wanted: Select[tuple[Record]]) -> float:
    session.expunge_all()
    began = time.perf_counter()
    list(session.scalars(wanted))
    return (time.perf_counter() - began) * 1e3
