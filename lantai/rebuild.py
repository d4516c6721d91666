"""`lantai rebuild`: a new database from one replica, put in place of the present one only when that loses nothing.

The catalogue is made beside the present one, in a database file or (PostgreSQL) a schema of its own. A present catalogue is compared with it; it
is replaced when it is empty, when it knows nothing that the replica lacks, or when the person says ``--forward``. The
replaced file is kept. The exchange is one rename: whatever happens, a whole database lies at the site's place.
"""

from __future__ import annotations

import logging
import os
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, inspect
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DatabaseError, OperationalError

from lantai import rebuild_postgresql
from lantai.alone import alone
from lantai.database import has_database
from lantai.jobs import migrate
from lantai.settings import Settings
from lantai.site import build_archive, load_initialised
from metadata.errors import Conflict, Unavailable
from metadata.identifiers import new_id
from repository.archive import Archive
from repository.clock import SystemClock
from repository.db import open_engine, reading_sessions
from repository.ledger.acts import ActorRef
from repository.migrations import is_current, upgrade
from repository.rebuild import RebuildReport, rebuild
from repository.rebuild.report import Progress
from repository.rights import settle
from repository.storage import layout
from repository.tables import Record
from retention.schedules import assign_records

log = logging.getLogger(__name__)

_SIDES = ("-wal", "-shm", "-journal")
_MAKING = ".rebuilding-"


@dataclass(frozen=True)
class Rebuilt:
    """The report, and where the catalogue that was replaced is kept: its file, or its schema in PostgreSQL."""

    report: RebuildReport
    kept: Path | None
    schema: str | None = None


def rebuild_site(replica: str, *, forward: bool, actor: ActorRef, progress: Progress) -> Rebuilt:
    """Make the catalogue anew and put it in place.

    Nothing was changed when it raises: ``Conflict`` (``rebuild.present_knows_more``) when the present catalogue knows
    things that the replica lacks and ``forward`` was not said; ``Unavailable`` (``rebuild.in_use``) while another
    process has the present database open, ``site.busy`` while another rebuilds.
    """
    settings = load_initialised()
    url = make_url(settings.database_url)
    with alone(settings.home):
        if url.get_backend_name() != "sqlite" or not url.database:
            return _on_server(settings, replica, forward=forward, actor=actor, progress=progress)
        present = Path(url.database)
        present.parent.mkdir(parents=True, exist_ok=True)
        _sweep(present)
        fresh = present.with_name(f"{present.name}{_MAKING}{new_id()[:8]}")
        try:
            report = _beside(settings, present, fresh, replica=replica, forward=forward, actor=actor, progress=progress)
            return Rebuilt(report, _swap(present, fresh))
        finally:
            _remove(fresh)


def _on_server(settings: Settings, replica: str, *, forward: bool, actor: ActorRef, progress: Progress) -> Rebuilt:
    _refuse_when_newer(settings)
    with rebuild_postgresql.beside(settings) as schema:
        report = _into(
            settings,
            rebuild_postgresql.url_of(settings, schema),
            replica,
            forward=forward,
            actor=actor,
            present_url=settings.database_owner_url,
            progress=progress,
        )
        _refuse_when_present_knows_more(report, replica, forward=forward)
        return Rebuilt(report, None, rebuild_postgresql.swap(settings, schema))


def _beside(
    settings: Settings,
    present: Path,
    fresh: Path,
    *,
    replica: str,
    forward: bool,
    actor: ActorRef,
    progress: Progress,
) -> RebuildReport:
    readable = has_database(settings) and _refuse_when_newer(settings) and _refuse_when_in_use(present)
    report = _into(
        settings,
        f"sqlite:///{fresh}",
        replica,
        forward=forward,
        actor=actor,
        present_url=settings.database_url if readable else None,
        progress=progress,
    )
    _refuse_when_present_knows_more(report, replica, forward=forward)
    return report


def _refuse_when_present_knows_more(report: RebuildReport, replica: str, *, forward: bool) -> None:
    only_here = [one for one in report.differences if one.side == "catalogue"]
    if only_here and not forward:
        raise Conflict(
            "rebuild.present_knows_more",
            zh=f"现有目录库中有 {len(only_here)} 项是副本 {replica} 所没有的，未作替换。请先封存台账，或确认后加 --forward。",
            en=f"The present catalogue knows {len(only_here)} things that replica {replica} lacks; it was not replaced. "
            "Seal the ledger first, or say --forward when you are sure.",
            replica=replica,
            count=len(only_here),
        )


def _into(
    settings: Settings,
    url: str,
    replica: str,
    *,
    forward: bool,
    actor: ActorRef,
    present_url: str | None,
    progress: Progress,
) -> RebuildReport:
    how: dict[str, Any] = {"busy_seconds": settings.busy_seconds, "application": "lantai rebuild", "patient": True}
    engine = open_engine(url, **how)
    present = open_engine(present_url, **how) if present_url else None
    try:
        upgrade(engine)
        if engine.dialect.name == "sqlite":
            migrate(url)
        settle(engine, make_url(settings.database_url).username)
        archive = build_archive(settings, engine, SystemClock(), other_keys=True)
        report = rebuild(
            archive,
            replica,
            forward=forward,
            assign=lambda session, ids: assign_records(session, archive=archive, record_ids=ids),
            actor=actor,
            present=reading_sessions(present) if present is not None and _has_tables(present) else None,
            progress=progress,
        )
        if forward:
            _make_keys_known(archive)
        return report
    finally:
        engine.dispose()
        if present is not None:
            present.dispose()


def _make_keys_known(archive: Archive) -> None:
    """Write this site's public keys to every replica: with new keys after a loss, no store would take it in otherwise."""
    for key_id, document in archive.keys.key_documents(archive.holding_id):
        try:
            archive.replicas.create_bytes(layout.ledger_key_key(key_id), document)
        except Unavailable as error:
            log.warning("the public key %s did not reach every replica yet: %s", key_id, error)


def _has_tables(engine: Engine) -> bool:
    return inspect(engine.execution_options(read_only=True)).has_table(Record.__tablename__)


def _alone_with(path: Path) -> None:
    """Fold a SQLite database into its one file; ``sqlite3.OperationalError`` while another connection is open."""
    with closing(sqlite3.connect(path, timeout=2.0, isolation_level=None)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        (mode,) = connection.execute("PRAGMA journal_mode=DELETE").fetchone()
        if mode != "delete":
            raise sqlite3.OperationalError("database is locked")


def _refuse_when_newer(settings: Settings) -> bool:
    """Whether the present database can be read; ``Unavailable`` when a newer program made it."""
    engine = open_engine(settings.database_owner_url, busy_seconds=settings.busy_seconds, application="lantai rebuild")
    try:
        is_current(engine)
    except OperationalError:
        raise
    except DatabaseError:
        return False
    finally:
        engine.dispose()
    return True


def _refuse_when_in_use(present: Path) -> bool:
    """Whether the present database can be read, once it is sure that nobody else has it open.

    Only the one connection there is can leave WAL mode: so a server or worker that still writes is found out.
    """
    try:
        _alone_with(present)
    except sqlite3.OperationalError as error:
        raise Unavailable(
            "rebuild.in_use",
            zh=f"数据库 {present.name} 正被其他进程使用，没有重建。请先停止 lantai serve 和 lantai worker，再重试。",
            en=f"Another process has the database {present.name} open; nothing was rebuilt. Stop `lantai serve` and `lantai worker` first.",
            path=str(present),
        ) from error
    except sqlite3.DatabaseError:
        return False  # damaged beyond reading: all the more reason to rebuild; the file is kept as it is
    return True


def _swap(present: Path, fresh: Path) -> Path | None:
    """Put the new database in place with one rename; the old one keeps its data under another name.

    A log of the old database must not lie beside the new one, which would take it for its own.
    """
    _alone_with(fresh)
    kept = None
    if present.exists() and present.stat().st_size > 0:
        _refuse_when_in_use(present)
        kept = present.with_name(f"{present.name}.before-rebuild-{new_id()[:8]}")
        kept.hardlink_to(present)
    for side in _SIDES:
        left = Path(f"{present}{side}")
        if not left.exists():
            continue
        if kept is not None:
            left.rename(f"{kept}{side}")
        else:
            left.unlink()
    _sync(fresh)
    fresh.replace(present)
    _sync(present.parent)
    return kept


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _sweep(present: Path) -> None:
    """Remove what a rebuild that was killed left; the lock says that no other is at work."""
    for left in present.parent.glob(f"{present.name}{_MAKING}*"):
        left.unlink(missing_ok=True)


def _remove(fresh: Path) -> None:
    for side in ("", *_SIDES):
        Path(f"{fresh}{side}").unlink(missing_ok=True)
