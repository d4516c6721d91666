"""Keeping the index in step with the catalogue: following the outbox, building it anew, swapping.

Whoever writes holds the lease ``index-writer``. ``consume`` follows the outbox: entries first, one commit, then exactly those
rows are marked done; a crash between the two repeats the entries, which is harmless because writing replaces.
``rebuild`` fills a new generation while the live one serves and is followed as ever; before it swaps it makes anew
every record whose row was done since it began, the last of them under the lease, so that nothing falls between.
Every commit carries a version: the number of the turn at writing, which only rises, and within it the number of the
commit. Whoever lost his turn without noticing writes with a lower one, and an engine that many can write to refuses it.
An index that this version cannot use (another format, other rules of analysis, damaged) is made anew by whoever follows
the outbox (``follow``); until then searching answers ``Unavailable``.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from itertools import chain
from typing import Any, Protocol

from sqlalchemy import func, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from metadata.errors import Unavailable
from repository import leases, outbox
from repository.archive import Archive
from repository.tables import CaseFile, CaseRecord, IndexState, Outbox, Record
from search import refusals
from search.documents import case_documents, documents
from search.engines.base import BATCH, HOUSEHOLD, Engine, IndexDocument, Refused
from search.home import IndexHome, new_generation

log = logging.getLogger(__name__)

WRITER_LEASE = "index-writer"
REBUILD_LEASE = "index-rebuild"
UNUSABLE = frozenset({"index.missing", "index.outdated", "index.damaged"})
"""Codes of an index that only making it anew helps."""

BUSY = frozenset({"lease.held", "index.writer_busy"})
"""Codes that say only that another process is at it."""

NAME = "records"
_LEASE_SECONDS = 20.0  # short, because a killed holder keeps others waiting; prolonged with every commit
_WAIT_SECONDS = 120.0
_BATCH_CHARACTERS = 8_000_000
_SCAN = 500
_SMALL = 200
_PASSES = 4
_CLOCKS_DIFFER = timedelta(seconds=60)
_KEEP_DONE = timedelta(days=7)
_TURNS = "records-turns"
_COMMITS = 20  # bits of a version that count the commits of one turn
_ALL_REFUSED = 20


class Progress(Protocol):
    """Told how far a rebuild has come."""

    def __call__(self, done: int, total: int | None = None) -> None:
        """``done`` of ``total`` records."""


@dataclass(frozen=True, slots=True)
class RebuildInfo:
    """What a rebuild made."""

    generation: str
    documents: int
    seconds: int

    def as_dict(self) -> dict[str, Any]:
        """For output as JSON."""
        return asdict(self)


# --- following the outbox ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Lag:
    """How far the index is behind the catalogue: changes not yet in it, the oldest of them, and what is in use."""

    pending: int
    oldest_at: datetime | None
    generation: str | None
    documents: int | None


def lag(session: Session, home: IndexHome) -> Lag:
    """What the index does not show yet. ``documents`` is ``None`` while the index cannot be used."""
    wanted = select(func.count(), func.min(Outbox.created_at)).where(Outbox.done_at.is_(None))
    pending, oldest_at = session.execute(wanted).one()
    generation = None
    count = None
    with suppress(Unavailable):
        generation = home.live_generation()
        if generation is not None:
            engine = home.open_live()
            count = engine.count()
            engine.close()
    return Lag(pending, oldest_at, generation, count)


def follow(archive: Archive, home: IndexHome, holder: str, make_anew: Callable[[], int] | None = None) -> int:
    """``consume`` on the index in use; one that cannot be used is made anew first. For the worker's round.

    ``make_anew`` does so, or has it done by others, where it must not be done here and now; it gives how much was done.
    """
    with archive.reading() as session:
        waiting = bool(refusals.listed(session))
    if waiting:
        with archive.sessions.begin() as session:
            refusals.bring_back(session, archive.clock.now())
    try:
        home.check()
        return consume(archive, home.open_live, holder)
    except Unavailable as error:
        if error.code not in UNUSABLE:
            raise
        log.warning("the search index cannot be used (%s): it is made anew", error.code)
    return rebuild(archive, home).documents if make_anew is None else make_anew()


def consume(archive: Archive, engine_opener: Callable[[], Engine], holder: str) -> int:
    """Bring the live index up to the outbox; gives the number of rows done.

    ``Unavailable`` (``lease.held``) when another process is at it: then there is nothing to do here. The engine is
    opened only under the lease, so that it is the one in use.
    """
    clock = archive.clock
    with archive.reading() as session:
        if not outbox.pending(session, 1):
            return 0
    done = 0
    with leases.held(archive.sessions, WRITER_LEASE, holder, _LEASE_SECONDS, clock):
        engine = engine_opener()
        try:
            writing = _Writing(archive, engine, WRITER_LEASE, holder, _turn(archive))
            while True:
                with archive.reading() as session:
                    rows = outbox.pending(session, BATCH)
                    if rows:
                        subjects = _subjects(session, ((row.kind, row.subject_id) for row in rows))
                        _write(session, writing, subjects)
                if not rows:
                    break
                with archive.sessions.begin() as session:
                    outbox.mark_done(session, [row.seq for row in rows], clock.now())
                    writing.note(session)
                done += len(rows)
                if not writing.renew():
                    log.warning("the lease on the index went to another process; stopping")
                    break
        finally:
            engine.close()
        with archive.sessions.begin() as session:
            outbox.forget_done(session, clock.now() - _KEEP_DONE)
    return done


@dataclass(frozen=True, slots=True)
class _Subjects:
    """Ids of what is to be made anew, each once."""

    records: list[str]
    cases: list[str]


def _subjects(session: Session, rows: Iterable[tuple[str, str]]) -> _Subjects:
    """What outbox rows are about: a record with the case files it stands in, a case file with all its records."""
    records: dict[str, None] = {}
    cases: dict[str, None] = {}
    for kind, subject_id in rows:
        if kind == outbox.RECORD:
            records[subject_id] = None
        elif kind == outbox.CASE_FILE:
            cases[subject_id] = None
        else:
            log.warning("outbox row of unknown kind %s passed over", kind)
    of_cases = _other_side(session, CaseRecord.case_file_id, CaseRecord.record_id, list(cases))
    of_records = _other_side(session, CaseRecord.record_id, CaseRecord.case_file_id, list(records))
    return _Subjects(list(records | of_cases), list(cases | of_records))


def _other_side(
    session: Session, given: InstrumentedAttribute[str], wanted: InstrumentedAttribute[str], ids: list[str]
) -> dict[str, None]:
    found: dict[str, None] = {}
    for start in range(0, len(ids), _SCAN):
        rows = session.scalars(select(wanted).where(given.in_(ids[start : start + _SCAN])).distinct())
        found.update(dict.fromkeys(rows))
    return found


def _turn(archive: Archive) -> int:
    """A number above those of all turns at writing before: the clock's milliseconds, or one more than the last.

    The clock keeps it rising when the database is an older one, brought back from a backup.
    """
    now = int(archive.clock.now().timestamp() * 1000)
    with archive.sessions.begin() as session:
        row = session.scalars(select(IndexState).where(IndexState.name == _TURNS).with_for_update()).first()
        turn = max(now, int(row.detail.get("turn", 0)) + 1 if row is not None else 0)
        session.merge(IndexState(name=_TURNS, generation="", built_at=None, detail={"turn": turn}))
    return turn


@dataclass(slots=True)
class _Writing:
    """One turn at writing: a lease that this process holds and prolongs, the engine, and what it would not have."""

    archive: Archive
    engine: Engine
    lease: str
    holder: str
    turn: int
    commits: int = 0
    refused: dict[str, Refused] = field(default_factory=dict)
    taken: set[str] = field(default_factory=set)
    cases: set[str] = field(default_factory=set)

    def renew(self) -> bool:
        """Prolong the lease; False when another process has it now."""
        archive = self.archive
        return leases.renew(archive.sessions, self.lease, self.holder, _LEASE_SECONDS, archive.clock)

    def apply(self, upserts: list[IndexDocument], deletes: list[str]) -> None:
        """One commit. ``Unavailable`` (``index.refuses``) when the engine has none of many: then it is not the entries."""
        self.commits += 1
        refused = self.engine.apply(upserts, deletes, version=(self.turn << _COMMITS) + self.commits)
        if len(refused) >= max(len(upserts), _ALL_REFUSED):
            raise Unavailable(
                "index.refuses",
                zh=f"检索引擎拒绝了全部 {len(refused)} 条索引项（{refused[0].reason}）。没有跳过任何一条；排除原因后会自动重试。",
                en=f"The search engine refused all {len(refused)} entries ({refused[0].reason}). None was passed over; they will be tried again.",
            )
        named = {one.id: one for one in refused}
        done = {*deletes, *(one.id for one in upserts)} - set(named)
        self.taken = (self.taken | done) - set(named)
        self.refused = {one: told for one, told in self.refused.items() if one not in done} | named
        self.cases.update(one.id for one in upserts if one.kind == HOUSEHOLD)

    def note(self, session: Session) -> None:
        """Keep what was refused where it is seen, in the transaction that marks the rows as done."""
        refusals.note(session, self.refused.values(), self.taken, self.cases, self.archive.clock.now())
        self.refused, self.taken, self.cases = {}, set(), set()


def _write(session: Session, writing: _Writing, subjects: _Subjects) -> None:
    """Make the entries of these records and case files anew, in commits that memory can hold."""
    archive = writing.archive
    written: set[str] = set()
    waiting: list[IndexDocument] = []
    size = 0
    made = (documents(session, archive, subjects.records), case_documents(session, archive, subjects.cases))
    for document in chain(*made):
        waiting.append(document)
        written.add(document.id)
        size += len(document.text.pairs)
        if len(waiting) >= BATCH or size >= _BATCH_CHARACTERS:
            writing.apply(waiting, [])
            waiting, size = [], 0
            writing.renew()
    gone = [one for one in (*subjects.records, *subjects.cases) if one not in written]
    if waiting or gone:
        writing.apply(waiting, gone)


# --- building anew ----------------------------------------------------------------------------------------------------


def rebuild(archive: Archive, home: IndexHome, progress: Progress | None = None) -> RebuildInfo:
    """Make the whole index anew beside the live one, then swap. Works while ``consume`` does.

    ``Unavailable`` when another rebuild is at work, or when the writer's lease does not come free in time; the live
    index stays as it was then.
    """
    began = time.monotonic()
    started_at = archive.clock.now() - _CLOCKS_DIFFER
    holder = leases.holder_name("rebuild")
    with leases.held(archive.sessions, REBUILD_LEASE, holder, _LEASE_SECONDS, archive.clock):
        home.sweep()
        name = new_generation()
        engine = home.create(name)
        try:
            writing = _Writing(archive, engine, REBUILD_LEASE, holder, _turn(archive))
            _fill(writing, progress)
            _catch_up(writing, started_at)
            _swap(writing, home, started_at)
            count = engine.count()
        except BaseException:
            engine.close()
            with suppress(Unavailable):  # what cannot be removed now is swept later
                home.drop(name)
            raise
        engine.close()
    return RebuildInfo(name, count, round(time.monotonic() - began))


def _fill(writing: _Writing, progress: Progress | None) -> None:
    archive = writing.archive
    active = Record.state == "active"
    with archive.reading() as session:
        records = session.scalar(select(func.count()).select_from(Record).where(active)) or 0
        cases = session.scalar(select(func.count()).select_from(CaseFile)) or 0
    done = 0
    for is_case in (False, True):
        table: type[Record | CaseFile] = CaseFile if is_case else Record
        after = 0
        while True:
            wanted = select(table.seq, table.id).where(table.seq > after).order_by(table.seq).limit(_SCAN)
            with archive.reading() as session:
                rows = session.execute(wanted if is_case else wanted.where(active)).all()
                ids = [row.id for row in rows]
                _write(session, writing, _Subjects([], ids) if is_case else _Subjects(ids, []))
            if not rows:
                break
            after, done = rows[-1].seq, done + len(rows)
            writing.renew()
            if progress is not None:
                progress(done, max(records + cases, done))


def _changed_since(session: Session, since: datetime) -> list[Any]:
    wanted = (
        select(Outbox.seq, Outbox.kind, Outbox.subject_id, Outbox.done_at)
        .where(or_(Outbox.done_at.is_(None), Outbox.done_at >= since))
        .order_by(Outbox.seq)
    )
    return list(session.execute(wanted).all())


def _catch_up(writing: _Writing, since: datetime) -> None:
    """Repeat what changed meanwhile until little is left for the end, when others must wait."""
    seen: set[tuple[int, datetime | None]] = set()
    for _ in range(_PASSES):
        with writing.archive.reading() as session:
            rows = [row for row in _changed_since(session, since) if (row.seq, row.done_at) not in seen]
            _write_rows(session, writing, rows)
        seen.update((row.seq, row.done_at) for row in rows)
        writing.renew()
        if len(rows) <= _SMALL:
            return


def _write_rows(session: Session, writing: _Writing, rows: list[Any]) -> None:
    for start in range(0, len(rows), _SCAN):
        some = rows[start : start + _SCAN]
        _write(session, writing, _subjects(session, ((row.kind, row.subject_id) for row in some)))
        writing.renew()


def _swap(writing: _Writing, home: IndexHome, since: datetime) -> None:
    """The last changes and the swap, while no other process writes; then the older generations go."""
    archive, engine, holder = writing.archive, writing.engine, writing.holder
    _take_patiently(archive, holder)
    try:
        writing.lease = WRITER_LEASE
        with archive.reading() as session:
            rows = _changed_since(session, since)
            _write_rows(session, writing, rows)
        if not writing.renew():  # whoever has it now brings the live index up, and this one would lack that
            raise _writer_busy()
        name = engine.generation
        home.point_to(name)
        now = archive.clock.now()
        with archive.sessions.begin() as session:
            outbox.mark_done(session, [row.seq for row in rows if row.done_at is None], now)
            refusals.forget(session)
            writing.note(session)
            detail = {"documents": engine.count()}
            session.merge(IndexState(name=NAME, generation=name, built_at=now, detail=detail))
    finally:
        leases.release(archive.sessions, WRITER_LEASE, holder)
    with suppress(Unavailable):  # the next rebuild sweeps
        home.sweep(abandoned_after=0.0)


def _take_patiently(archive: Archive, holder: str) -> None:
    until = time.monotonic() + _WAIT_SECONDS
    while not leases.take(archive.sessions, WRITER_LEASE, holder, _LEASE_SECONDS, archive.clock):
        if time.monotonic() > until:
            raise _writer_busy()
        time.sleep(0.1)


def _writer_busy() -> Unavailable:
    return Unavailable(
        "index.writer_busy",
        zh="另一个进程一直在写检索索引，重建未能切换。现有索引保持不变；请稍后再试。",
        en="Another process kept writing the search index, so the rebuild could not swap. The live index is as before; try again later.",
    )
