"""`lantai rebuild`: a new database from one replica, put in place of the present one only when that loses nothing.

The catalogue is made in a database file of its own beside the present one. A present catalogue is compared with it; it
is replaced when it is empty, when it knows nothing that the replica lacks, or when the person says ``--forward``. The
replaced file is kept.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from sqlalchemy.engine import make_url

from lantai.jobs import migrate
from lantai.settings import Settings
from lantai.site import build_archive, load_initialised
from metadata.errors import Conflict
from metadata.identifiers import new_id
from repository.clock import SystemClock
from repository.db import open_engine, reading_sessions
from repository.ledger.acts import ActorRef
from repository.migrations import upgrade
from repository.rebuild import RebuildReport, rebuild
from repository.rebuild.report import Progress
from repository.tables import Record
from retention.schedules import assign_records

_SIDES = ("", "-wal", "-shm")


@dataclass(frozen=True)
class Rebuilt:
    """The report, and where the catalogue that was replaced is kept (``None`` when there was none)."""

    report: RebuildReport
    kept: Path | None


def rebuild_site(replica: str, *, forward: bool, actor: ActorRef, progress: Progress) -> Rebuilt:
    """Make the catalogue anew and put it in place.

    ``Conflict`` (``rebuild.present_knows_more``) when the present catalogue knows things that the replica lacks and
    ``forward`` was not said: nothing was changed then.
    """
    settings = load_initialised()
    url = make_url(settings.database_url)
    if url.get_backend_name() != "sqlite" or not url.database:
        report = _into(
            settings, settings.database_url, replica, forward=forward, actor=actor, present_url=None, progress=progress
        )
        return Rebuilt(report, None)
    present = Path(url.database)
    fresh = present.with_name(f"{present.name}.rebuilding-{new_id()[:8]}")
    had_one = present.exists() and present.stat().st_size > 0
    try:
        report = _into(
            settings,
            f"sqlite:///{fresh}",
            replica,
            forward=forward,
            actor=actor,
            present_url=settings.database_url if had_one else None,
            progress=progress,
        )
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
        kept = _swap(present, fresh, had_one=had_one)
    finally:
        for side in _SIDES:
            Path(f"{fresh}{side}").unlink(missing_ok=True)
    return Rebuilt(report, kept)


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
    engine = open_engine(url, busy_seconds=settings.busy_seconds)
    present = open_engine(present_url, busy_seconds=settings.busy_seconds) if present_url else None
    try:
        upgrade(engine)
        migrate(url)
        archive = build_archive(settings, engine, SystemClock())
        return rebuild(
            archive,
            replica,
            forward=forward,
            assign=lambda session, ids: assign_records(session, archive=archive, record_ids=ids),
            actor=actor,
            present=reading_sessions(present) if present is not None and _has_tables(present_url) else None,
            progress=progress,
        )
    finally:
        engine.dispose()
        if present is not None:
            present.dispose()


def _has_tables(url: str | None) -> bool:
    if url is None:
        return False
    engine = open_engine(url)
    try:
        from sqlalchemy import inspect

        return inspect(engine).has_table(Record.__tablename__)
    finally:
        engine.dispose()


def _swap(present: Path, fresh: Path, *, had_one: bool) -> Path | None:
    """Put the new database in place; the old one keeps its data under another name."""
    engine = open_engine(f"sqlite:///{fresh}")
    with engine.connect() as connection:
        connection.exec_driver_sql("COMMIT")
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.exec_driver_sql("BEGIN")
    engine.dispose()
    kept = None
    if had_one:
        kept = present.with_name(f"{present.name}.before-rebuild-{new_id()[:8]}")
        for side in _SIDES:
            old = Path(f"{present}{side}")
            if old.exists():
                old.rename(f"{kept}{side}")
    fresh.rename(present)
    return kept
