"""Keeping the index in step with the catalogue: following the outbox, building it anew, swapping.

The index folder holds generations (``g-…``), each a whole index, and ``live.json``, which names the one in use. Whoever
writes holds the lease ``index-writer``. ``consume`` follows the outbox: entries first, one commit, then exactly those
rows are marked done; a crash between the two repeats the entries, which is harmless because writing replaces.
``rebuild`` fills a new generation while the live one serves and is followed as ever; before it swaps it makes anew
every record whose row was done since it began, the last of them under the lease, so that nothing falls between.
"""

from __future__ import annotations

import json
import logging
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from metadata.errors import Unavailable
from metadata.identifiers import new_id
from repository import leases, outbox
from repository.archive import Archive
from repository.tables import CaseRecord, IndexState, Outbox, Record
from search.documents import documents
from search.engines.base import BATCH, Engine, IndexDocument
from search.engines.embedded import TantivyEngine

log = logging.getLogger(__name__)

WRITER_LEASE = "index-writer"
REBUILD_LEASE = "index-rebuild"
NAME = "records"
POINTER = "live.json"
_POINTER_FORMAT = "lantai-index-pointer/1"
_LEASE_SECONDS = 20.0  # short, because a killed holder keeps others waiting; prolonged with every commit
_WAIT_SECONDS = 120.0
_BATCH_CHARACTERS = 8_000_000
_SCAN = 500
_SMALL = 200
_PASSES = 4
_CLOCKS_DIFFER = timedelta(seconds=60)
_KEEP_DONE = timedelta(days=7)
_ABANDONED_AFTER = 3600.0


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


# --- generations ------------------------------------------------------------------------------------------------------


def live_generation(index_folder: Path) -> str | None:
    """Name of the generation in use, or ``None`` when there is no index yet."""
    try:
        found = json.loads((index_folder / POINTER).read_text())
    except FileNotFoundError:
        return None
    except (OSError, ValueError):
        found = {}
    name = found.get("generation") if isinstance(found, dict) else None
    if not isinstance(name, str) or not name.startswith("g-") or "/" in name:
        raise Unavailable(
            "index.damaged",
            zh="检索索引的指针文件已损坏。请运行 lantai index rebuild 重建；目录数据不受影响。",
            en="The pointer file of the search index is damaged. Run 'lantai index rebuild'; the catalogue is not affected.",
        )
    return name


def open_live(index_folder: Path) -> TantivyEngine:
    """The index in use; an empty one is made when there is none yet. The caller closes it."""
    for _ in range(3):
        name = live_generation(index_folder)
        if name is None:
            _make_first(index_folder)
            continue
        try:
            return TantivyEngine(index_folder / name)
        except Unavailable as error:
            if error.code != "index.missing" or live_generation(index_folder) == name:
                raise
            # swapped away between reading the pointer and opening: read it again
    raise Unavailable(
        "index.missing",
        zh="检索索引不存在。请运行 lantai index rebuild 重建；目录数据不受影响。",
        en="There is no search index. Run 'lantai index rebuild'; the catalogue is not affected.",
    )


def _new_generation() -> str:
    return f"g-{new_id()}"


def _make_first(index_folder: Path) -> None:
    name = _new_generation()
    TantivyEngine(index_folder / name, create=True).close()
    temporary = _pointer_file(index_folder, name)
    try:
        os.link(temporary, index_folder / POINTER)  # fails when another process was first
    except FileExistsError:
        shutil.rmtree(index_folder / name, ignore_errors=True)
    finally:
        temporary.unlink(missing_ok=True)


def _pointer_file(index_folder: Path, name: str) -> Path:
    handle, path = tempfile.mkstemp(prefix=".live-", dir=index_folder)
    with os.fdopen(handle, "w") as out:
        json.dump({"format": _POINTER_FORMAT, "generation": name}, out)
        out.flush()
        os.fsync(out.fileno())
    return Path(path)


class LiveIndex:
    """The index in use for a long-lived process: opened once, opened again after a swap. For one thread at a time."""

    def __init__(self, index_folder: Path) -> None:
        self._folder = index_folder
        self._engine: TantivyEngine | None = None

    def engine(self) -> TantivyEngine:
        """The engine of the live generation, with every commit so far."""
        if self._engine is not None and self._engine.folder.name == live_generation(self._folder):
            return self._engine
        self.close()
        self._engine = open_live(self._folder)
        return self._engine

    def close(self) -> None:
        """Let go of it."""
        if self._engine is not None:
            self._engine.close()
            self._engine = None


# --- following the outbox ---------------------------------------------------------------------------------------------


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


def _subjects(session: Session, rows: Iterable[tuple[str, str]]) -> list[str]:
    """Ids of the records that outbox rows are about, each once; a case file stands for all its records."""
    record_ids: dict[str, None] = {}
    for kind, subject_id in rows:
        if kind == outbox.RECORD:
            record_ids[subject_id] = None
        elif kind == outbox.CASE_FILE:
            wanted = select(CaseRecord.record_id).where(CaseRecord.case_file_id == subject_id)
            record_ids.update(dict.fromkeys(session.scalars(wanted)))
        else:
            log.warning("outbox row of unknown kind %s passed over", kind)
    return list(record_ids)


@dataclass(frozen=True, slots=True)
class _Held:
    """A lease that this process holds and prolongs while it works."""

    archive: Archive
    name: str
    holder: str

    def renew(self) -> bool:
        """Prolong it; False when another process has it now."""
        return leases.renew(self.archive.sessions, self.name, self.holder, _LEASE_SECONDS, self.archive.clock)


def _write(session: Session, archive: Archive, engine: Engine, record_ids: list[str], lease: _Held) -> None:
    """Make the entries of these records anew, in commits that memory can hold."""
    written: set[str] = set()
    waiting: list[IndexDocument] = []
    size = 0
    for document in documents(session, archive, record_ids):
        waiting.append(document)
        written.add(document.record_id)
        size += len(document.text.pairs)
        if len(waiting) >= BATCH or size >= _BATCH_CHARACTERS:
            engine.apply(waiting, [])
            waiting, size = [], 0
            lease.renew()
    gone = [record_id for record_id in record_ids if record_id not in written]
    if waiting or gone:
        engine.apply(waiting, gone)


# --- building anew ----------------------------------------------------------------------------------------------------


def rebuild(archive: Archive, index_folder: Path, progress: Progress | None = None) -> RebuildInfo:
    """Make the whole index anew beside the live one, then swap. Works while ``consume`` does.

    ``Unavailable`` when another rebuild is at work, or when the writer's lease does not come free in time; the live
    index stays as it was then.
    """
    began = time.monotonic()
    started_at = archive.clock.now() - _CLOCKS_DIFFER
    holder = leases.holder_name("rebuild")
    index_folder.mkdir(parents=True, exist_ok=True)
    with leases.held(archive.sessions, REBUILD_LEASE, holder, _LEASE_SECONDS, archive.clock):
        _sweep(index_folder)
        name = _new_generation()
        engine = TantivyEngine(index_folder / name, create=True)
        try:
            lease = _Held(archive, REBUILD_LEASE, holder)
            _fill(archive, engine, lease, progress)
            _catch_up(archive, engine, started_at, lease)
            _swap(archive, index_folder, engine, started_at, holder)
            count = engine.count()
        except BaseException:
            engine.close()
            shutil.rmtree(index_folder / name, ignore_errors=True)
            raise
        engine.close()
    return RebuildInfo(name, count, round(time.monotonic() - began))


def _fill(archive: Archive, engine: Engine, lease: _Held, progress: Progress | None) -> None:
    with archive.reading() as session:
        total = session.scalar(select(func.count()).select_from(Record).where(Record.state == "active")) or 0
    after, done = 0, 0
    while True:
        with archive.reading() as session:
            wanted = (
                select(Record.seq, Record.id)
                .where(Record.state == "active", Record.seq > after)
                .order_by(Record.seq)
                .limit(_SCAN)
            )
            rows = session.execute(wanted).all()
            if rows:
                _write(session, archive, engine, [row.id for row in rows], lease)
        if not rows:
            return
        after, done = rows[-1].seq, done + len(rows)
        lease.renew()
        if progress is not None:
            progress(done, max(total, done))


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


def _swap(archive: Archive, index_folder: Path, engine: TantivyEngine, since: datetime, holder: str) -> None:
    """The last changes and the swap, while no other process writes; then the older generations go."""
    _take_patiently(archive, holder)
    try:
        with archive.reading() as session:
            rows = _changed_since(session, since)
            _write_rows(session, archive, engine, rows, _Held(archive, WRITER_LEASE, holder))
        name = engine.folder.name
        _pointer_file(index_folder, name).replace(index_folder / POINTER)
        now = archive.clock.now()
        with archive.sessions.begin() as session:
            outbox.mark_done(session, [row.seq for row in rows if row.done_at is None], now)
            detail = {"documents": engine.count()}
            session.merge(IndexState(name=NAME, generation=name, built_at=now, detail=detail))
    finally:
        leases.release(archive.sessions, WRITER_LEASE, holder)
    _sweep(index_folder, abandoned_after=0.0)


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


def _sweep(index_folder: Path, abandoned_after: float = _ABANDONED_AFTER) -> None:
    """Remove generations that are not in use. Readers that have one open keep it until they open the next."""
    live = None
    with suppress(Unavailable):
        live = live_generation(index_folder)
    for folder in index_folder.glob("g-*"):
        with suppress(OSError):
            if folder.name != live and time.time() - folder.stat().st_mtime >= abandoned_after:
                shutil.rmtree(folder, ignore_errors=True)
