"""Keeping the index in step with the catalogue: following the outbox, building it anew, swapping.

Whoever writes holds the lease ``index-writer``. ``consume`` follows the outbox: entries first, one commit, then exactly those
rows are marked done; a crash between the two repeats the entries, which is harmless because writing replaces.
``rebuild`` fills a new generation while the live one serves and is followed as ever; before it swaps it makes anew
every record whose row was done since it began, the last of them under the lease, so that nothing falls between.
An index that this version cannot use (another format, other rules of analysis, damaged) is made anew by whoever follows
the outbox (``follow``); until then searching answers ``Unavailable``.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from itertools import chain
from typing import Any, Protocol

from sqlalchemy import func, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from metadata.errors import Unavailable
from repository import leases, outbox
from repository.archive import Archive
from repository.tables import CaseFile, CaseRecord, IndexState, Outbox, Record
from search.documents import case_documents, documents
from search.engines.base import BATCH, Engine, IndexDocument
from search.home import IndexHome, new_generation

log = logging.getLogger(__name__)

WRITER_LEASE = "index-writer"
REBUILD_LEASE = "index-rebuild"
UNUSABLE = frozenset({"index.missing", "index.outdated", "index.damaged"})
"""Codes of an index that only making it anew helps."""

NAME = "records"
_LEASE_SECONDS = 20.0  # short, because a killed holder keeps others waiting; prolonged with every commit
_WAIT_SECONDS = 120.0
_BATCH_CHARACTERS = 8_000_000
_SCAN = 500
_SMALL = 200
_PASSES = 4
_CLOCKS_DIFFER = timedelta(seconds=60)
_KEEP_DONE = timedelta(days=7)


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


def follow(archive: Archive, home: IndexHome, holder: str) -> int:
    """``consume`` on the index in use; one that cannot be used is made anew first. For the worker's round."""
    try:
        home.check()
        return consume(archive, home.open_live, holder)
    except Unavailable as error:
        if error.code not in UNUSABLE:
            raise
        log.warning("the search index cannot be used (%s): it is made anew", error.code)
    return rebuild(archive, home).documents


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
        lease = _Held(archive, WRITER_LEASE, holder)
        engine = engine_opener()
        try:
            while True:
                with archive.reading() as session:
                    rows = outbox.pending(session, BATCH)
                    if rows:
                        subjects = _subjects(session, ((row.kind, row.subject_id) for row in rows))
                        _write(session, archive, engine, subjects, lease)
                if not rows:
                    break
                with archive.sessions.begin() as session:
                    outbox.mark_done(session, [row.seq for row in rows], clock.now())
                done += len(rows)
                if not lease.renew():
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


@dataclass(frozen=True, slots=True)
class _Held:
    """A lease that this process holds and prolongs while it works."""

    archive: Archive
    name: str
    holder: str

    def renew(self) -> bool:
        """Prolong it; False when another process has it now."""
        return leases.renew(self.archive.sessions, self.name, self.holder, _LEASE_SECONDS, self.archive.clock)


def _write(session: Session, archive: Archive, engine: Engine, subjects: _Subjects, lease: _Held) -> None:
    """Make the entries of these records and case files anew, in commits that memory can hold."""
    written: set[str] = set()
    waiting: list[IndexDocument] = []
    size = 0
    made = (documents(session, archive, subjects.records), case_documents(session, archive, subjects.cases))
    for document in chain(*made):
        waiting.append(document)
        written.add(document.id)
        size += len(document.text.pairs)
        if len(waiting) >= BATCH or size >= _BATCH_CHARACTERS:
            engine.apply(waiting, [])
            waiting, size = [], 0
            lease.renew()
    gone = [one for one in (*subjects.records, *subjects.cases) if one not in written]
    if waiting or gone:
        engine.apply(waiting, gone)


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
            lease = _Held(archive, REBUILD_LEASE, holder)
            _fill(archive, engine, lease, progress)
            _catch_up(archive, engine, started_at, lease)
            _swap(archive, home, engine, started_at, holder)
            count = engine.count()
        except BaseException:
            engine.close()
            home.drop(name)
            raise
        engine.close()
    return RebuildInfo(name, count, round(time.monotonic() - began))


def _fill(archive: Archive, engine: Engine, lease: _Held, progress: Progress | None) -> None:
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
                _write(session, archive, engine, _Subjects([], ids) if is_case else _Subjects(ids, []), lease)
            if not rows:
                break
            after, done = rows[-1].seq, done + len(rows)
            lease.renew()
            if progress is not None:
                progress(done, max(records + cases, done))


def _changed_since(session: Session, since: datetime) -> list[Any]:
    wanted = (
        select(Outbox.seq, Outbox.kind, Outbox.subject_id, Outbox.done_at)
        .where(or_(Outbox.done_at.is_(None), Outbox.done_at >= since))
        .order_by(Outbox.seq)
    )
    return list(session.execute(wanted).all())


def _catch_up(archive: Archive, engine: Engine, since: datetime, lease: _Held) -> None:
    """Repeat what changed meanwhile until little is left for the end, when others must wait."""
    seen: set[tuple[int, datetime | None]] = set()
    for _ in range(_PASSES):
        with archive.reading() as session:
            rows = [row for row in _changed_since(session, since) if (row.seq, row.done_at) not in seen]
            _write_rows(session, archive, engine, rows, lease)
        seen.update((row.seq, row.done_at) for row in rows)
        lease.renew()
        if len(rows) <= _SMALL:
            return


def _write_rows(session: Session, archive: Archive, engine: Engine, rows: list[Any], lease: _Held) -> None:
    for start in range(0, len(rows), _SCAN):
        some = rows[start : start + _SCAN]
        _write(session, archive, engine, _subjects(session, ((row.kind, row.subject_id) for row in some)), lease)
        lease.renew()


def _swap(archive: Archive, home: IndexHome, engine: Engine, since: datetime, holder: str) -> None:
    """The last changes and the swap, while no other process writes; then the older generations go."""
    _take_patiently(archive, holder)
    try:
        with archive.reading() as session:
            rows = _changed_since(session, since)
            _write_rows(session, archive, engine, rows, _Held(archive, WRITER_LEASE, holder))
        name = engine.generation
        home.point_to(name)
        now = archive.clock.now()
        with archive.sessions.begin() as session:
            outbox.mark_done(session, [row.seq for row in rows if row.done_at is None], now)
            detail = {"documents": engine.count()}
            session.merge(IndexState(name=NAME, generation=name, built_at=now, detail=detail))
    finally:
        leases.release(archive.sessions, WRITER_LEASE, holder)
    home.sweep(abandoned_after=0.0)


def _take_patiently(archive: Archive, holder: str) -> None:
    until = time.monotonic() + _WAIT_SECONDS
    while not leases.take(archive.sessions, WRITER_LEASE, holder, _LEASE_SECONDS, archive.clock):
        if time.monotonic() > until:
            raise Unavailable(
                "index.writer_busy",
                zh="另一个进程一直在写检索索引，重建未能切换。现有索引保持不变；请稍后再试。",
                en="Another process kept writing the search index, so the rebuild could not swap. The live index is as before; try again later.",
            )
        time.sleep(0.1)
