"""What the gate costs: one decision in memory, and what it adds to lists of a million files.

A page of the list as ``access.gate`` gives it against a page of all records, asked in turns from places all over the
list, in processor time. Standard error tells how many rows of others lie between: who reaches a township or a village
finds hers by an index, who reaches many parts of the county goes through the others'.
"""

from __future__ import annotations

import random
import statistics
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path

from sqlalchemy import bindparam, func, select
from sqlalchemy.orm import Session

from access import gate
from access.actors import Actor, GrantHeld, RoleHeld
from bench.big import DIVISION, TOWNSHIPS, VILLAGES, big_site, township, village
from bench.measure import Result
from metadata.profile import Profile
from metadata.rights import Permission
from repository.tables import Organ, Record

MOST = 50.0
"""Microseconds that a decision may take."""
ADDED = round(1 / 1.15, 3)
"""Unfiltered / filtered: the filter adds at most 15 %."""
_ROUNDS = 200
_PAGE = 50


def results(folder: Path, *, quick: bool) -> Iterator[Result]:
    """A decision; pages of a list for who reaches the county, and for who reaches parts of it."""
    files = 100_000 if quick else 1_000_000
    site = big_site(folder, files)
    label = f"{files:,} files of {TOWNSHIPS * (VILLAGES + 1)} organs"
    try:
        with site.archive.reading() as session:
            profile, people = site.archive.profile, _people(session)
            yield _decision(session, profile, people["a township, 20 grants"])
            for name, actor in people.items():
                yield _list(session, profile, label, name, actor)
    finally:
        site.close()


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
    organs = dict(session.execute(select(Organ.division_prefix, Organ.id)).tuples().all())

    def clerk(division: str) -> RoleHeld:
        return RoleHeld("clerk_township", organs[division], division, "TS")

    borrower = RoleHeld("borrower_external", organs[township(7)], "", "OD")
    fifty = tuple(clerk(village(number)) for number in range(0, 400, 8))
    return {
        "the county": Actor("c", "account", "", None, (RoleHeld("archivist", None, DIVISION, "CB"),)),
        "a township": Actor("t", "account", "", None, (clerk(township(7)),)),
        "a village": Actor("v", "account", "", None, (clerk(village(7)),)),
        "fifty villages": Actor("f", "account", "", None, fifty),
        "a township, 20 grants": Actor("g", "account", "", None, (clerk(township(7)), borrower), grants=grants),
    }


def _decision(session: Session, profile: Profile, actor: Actor) -> Result:
    """Roles, level, marks and twenty grants of a hundred records looked at; most records are refused, the longest way."""
    records = list(session.scalars(select(Record).order_by(Record.seq.desc()).limit(1000)))
    times = []
    for _ in range(_ROUNDS):
        began = time.thread_time()
        for record in records:
            gate.decide(actor, record, Permission.RECORD_READ, profile)
        times.append((time.thread_time() - began) / len(records) * 1e6)
    took = statistics.median(times)
    return Result("gate, one decision", "a role and 20 grants", took, None, "µs", MOST / took, 1.0)


def _list(session: Session, profile: Profile, label: str, name: str, actor: Actor) -> Result:
    """A page from anywhere in the list of records, with the filter and without it, in turns."""
    rng, highest = random.Random(3), session.scalars(select(func.max(Record.seq))).one()
    starts = [rng.randrange(highest * 9 // 10) for _ in range(_ROUNDS)]
    page = select(Record).where(Record.seq > bindparam("after")).order_by(Record.seq).limit(bindparam("most"))
    filtered, plain, stretch = [], [], []
    for start in starts:
        took, found = _timed(session, partial(gate.list_records, session, actor, profile, after=start, limit=_PAGE))
        filtered.append(took)
        plain.append(_timed(session, partial(session.scalars, page, {"after": start, "most": _PAGE}))[0])
        stretch.append(found[-1].seq - start)
    ours, other = (statistics.median(one) for one in (filtered, plain))
    sys.stderr.write(f"   {name}: {ours:.2f} ms, without {other:.2f} ms; 50 of {statistics.mean(stretch):.0f} rows\n")
    return Result(f"list of 50, {name}", label, ours, other, "ms", other / ours, ADDED)


def _timed(session: Session, asked: Callable[[], Iterable[Record]]) -> tuple[float, list[Record]]:
    """Milliseconds of processor time, and the rows."""
    session.expunge_all()
    began = time.thread_time()
    found = list(asked())
    return (time.thread_time() - began) * 1e3, found
