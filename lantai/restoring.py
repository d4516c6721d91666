"""`lantai restore`: a site from its backup, on a machine that has nothing of it but the stores.

Everything is read and proved before anything is touched. ``lantai.toml`` gets its holding id last: until then there is
no site, and the command can be given again. Work that was under way is not taken over as jobs: the catalogue says what
is unfinished, and workers carry that on.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from ingest import quarantine
from lantai.alone import alone
from lantai.backups import open_secrets
from lantai.database import bring_up_to_date, file_of, open_database
from lantai.jobs import Jobs
from lantai.settings import FILE_NAME, Settings, load
from lantai.settings_file import write_initial
from lantai.site import build_archive, is_initialised
from metadata.errors import Conflict
from metadata.identifiers import new_id
from repository.archive import Archive
from repository.backup import ahead, bag, loading, passphrase
from repository.backup.ahead import Ahead
from repository.clock import SystemClock
from repository.db import open_engine
from repository.keys import FILE as KEY_FILE
from repository.keys import Keys
from repository.ledger import backup_acts
from repository.ledger.acts import ActorRef
from repository.migrations import knows, upgrade
from repository.tables import Replica, StoredFile, Submission, SubmissionFile

Progress = Callable[[str, int, int], None]

_HOLDING_LINE = re.compile(r"^holding_id\s*=.*\n?", re.MULTILINE)
_UNFINISHED = ("receiving", "examining", "waiting", "accepted", "storing")
_MAKING = ".restoring-"


@dataclass
class Restored:
    """What a restore did. ``rows``: of the catalogue; ``carried_on``: deposits enqueued anew; ``bytes_lost``: unfinished deposits whose files are not here."""

    facts: bag.Facts
    sha256: str
    home: Path
    rows: int = 0
    carried_on: int = 0
    ahead: Ahead = field(default_factory=Ahead)
    bytes_lost: list[str] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        return {
            "backup": self.facts.id,
            "sha256": self.sha256,
            "made_at": self.facts.made_at.isoformat(),
            "home": str(self.home),
            "as_of": {stream: number for stream, (number, _sha256) in self.facts.ledger.items()},
            "rows": self.rows,
            "carried_on": self.carried_on,
            "stores": self.ahead.as_dict(),
            "writing_stopped": self.ahead.stops,
            "deposits_without_files": self.bytes_lost,
        }


def restore(
    read: Callable[[], Iterator[bytes]],
    name: str,
    *,
    secret: str,
    actor: ActorRef,
    expect: str | None = None,
    progress: Progress = lambda *_: None,
) -> Restored:
    """Restore the backup that ``read`` gives into LANTAI_HOME and the database that its settings name.

    ``Invalid`` for a backup that is damaged, altered, or of a newer program, ``Forbidden`` for a wrong passphrase,
    ``Conflict`` when there is a site, other keys, or rows in the database: nothing was touched then.
    """
    home = load().home
    if is_initialised(load()):
        raise _site_exists(home)
    progress("reading", 0, 0)
    seen = bag.examine(read, name, expect=expect)
    keys, toml, files = open_secrets(passphrase.unseal(seen.secrets, secret, bound_to=seen.bound_to))
    with alone(home), ExitStack() as undo:
        if is_initialised(load()):
            raise _site_exists(home)
        if not (home / FILE_NAME).exists():
            _put_settings(home, toml)
            undo.callback((home / FILE_NAME).unlink)
        settings = load()
        settings.holding_id = seen.facts.holding
        had_keys = Keys.exist(settings.keys)
        Keys.put_back(settings.keys, keys)
        if not had_keys:
            undo.callback(_remove_keys, settings.keys, list(files))
        for file, data in files.items():
            _put_secret(settings.keys / file, data)
        done = Restored(seen.facts, seen.sha256, home)
        _fill(settings, read, name, seen, done, actor=actor, progress=progress)
        write_initial(settings, holding_id=seen.facts.holding)
        undo.pop_all()
    return done


def _put_secret(path: Path, data: bytes) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as out:
        out.write(data)


def _remove_keys(folder: Path, files: list[str]) -> None:
    for name in (KEY_FILE, *files):
        (folder / name).unlink(missing_ok=True)
    with suppress(OSError):  # the person's folder may hold other things
        folder.rmdir()


def _put_settings(home: Path, toml: str) -> None:
    """The backed-up settings, without the line that makes a site of this folder."""
    text = _HOLDING_LINE.sub("", toml, count=1)
    handle = os.open(home / FILE_NAME, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as out:
        out.write(text)


def _fill(
    settings: Settings,
    read: Callable[[], Iterator[bytes]],
    name: str,
    seen: bag.Seen,
    done: Restored,
    *,
    actor: ActorRef,
    progress: Progress,
) -> None:
    place = file_of(settings.database_url)
    if place is None:
        _into(settings, read, name, seen, done, actor=actor, progress=progress)
    else:
        if place.exists() and place.stat().st_size > 0:
            raise _database_exists(place)
        place.parent.mkdir(parents=True, exist_ok=True)
        for left in place.parent.glob(f"{place.name}{_MAKING}*"):
            left.unlink(missing_ok=True)
        fresh = place.with_name(f"{place.name}{_MAKING}{new_id()[:8]}")
        try:
            url = f"sqlite:///{fresh}"
            beside = settings.model_copy(update={"database_url": url, "database_owner_url": url})
            _into(beside, read, name, seen, done, actor=actor, progress=progress)
            _in_place(fresh, place)
        finally:
            for side in ("", "-wal", "-shm", "-journal"):
                Path(f"{fresh}{side}").unlink(missing_ok=True)


def _into(
    settings: Settings,
    read: Callable[[], Iterator[bytes]],
    name: str,
    seen: bag.Seen,
    done: Restored,
    *,
    actor: ActorRef,
    progress: Progress,
) -> None:
    owner = open_engine(settings.database_owner_url, busy_seconds=settings.busy_seconds, patient=True)
    try:
        _refuse_newer(seen.facts.schema)
        with owner.connect() as connection:
            loading.refuse_when_not_empty(connection)
        upgrade(owner, seen.facts.schema)
        with owner.begin() as connection:
            done.rows = loading.load_tables(connection, bag.tables(read, seen, name), seen.facts.tables, progress)
            with Session(connection) as session:  # until the stores were compared, also for those elsewhere who wait
                ahead.stop_writing(session)
                session.flush()
    finally:
        owner.dispose()
    bring_up_to_date(settings)
    engine = open_database(settings, patient=True)  # marks every file of the holdings in one statement
    try:
        archive = build_archive(settings, engine, SystemClock())
        progress("stores", 0, 0)
        with archive.sessions.begin() as session:
            _finish(session, archive, settings, done, actor)
        if not done.ahead.stops:
            _enqueue(settings.database_url, archive, done)
    finally:
        engine.dispose()


def _finish(session: Session, archive: Archive, settings: Settings, done: Restored, actor: ActorRef) -> None:
    done.ahead = ahead.compare(session, archive)
    if not done.ahead.stops:
        ahead.allow_writing(session)
    for store in archive.replicas.stores:
        session.execute(update(Replica).where(Replica.name == store.name).values(location=store.location))
    if not (settings.derivatives / "text").exists():
        session.execute(update(StoredFile).values(text_state="pending", image_state="pending", ocr_state="pending"))
    done.bytes_lost = _without_files(session, archive)
    backup_acts.backup_restored(
        session,
        at=archive.clock.now(),
        actor=actor,
        backup_id=done.facts.id,
        sha256=done.sha256,
        as_of={stream: number for stream, (number, _sha256) in done.facts.ledger.items()},
        ahead=done.ahead.any,
    )


def _enqueue(url: str, archive: Archive, done: Restored) -> None:
    """Jobs are made anew from what the catalogue says, so that none of the old ones runs a second time.

    The index is made anew by the first worker: what lies in its place may be newer than the catalogue now is.
    """
    jobs = Jobs(url)
    moving = select(Submission.id).where(Submission.state.in_(("examining", "accepted", "storing")))
    try:
        with archive.sessions.begin() as session:
            jobs.enqueue_index_rebuild(session, done.facts.id, actor_id="system")
            done.carried_on = jobs.carry_on(session, list(session.scalars(moving.order_by(Submission.seq))))
    finally:
        jobs.close()


def _without_files(session: Session, archive: Archive) -> list[str]:
    """Ids of unfinished deposits whose bytes should lie in quarantine and do not."""
    wanted = select(Submission.id).where(Submission.state.in_(_UNFINISHED)).order_by(Submission.seq)
    lost = []
    for submission_id in session.scalars(wanted):
        if quarantine.folder(archive.quarantine, submission_id).exists():
            continue
        sources = select(SubmissionFile.source).where(SubmissionFile.submission_id == submission_id).limit(1)
        source = session.scalar(sources)
        if source is not None and not quarantine.is_in_place(source):
            lost.append(submission_id)
    return lost


def _in_place(fresh: Path, place: Path) -> None:
    """One rename makes the restored database the site's; everything of it is in the one file and on the disk."""
    engine = open_engine(f"sqlite:///{fresh}")
    try:
        with engine.connect() as connection:
            raw = connection.connection
            raw.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            raw.execute("PRAGMA journal_mode=DELETE")
    finally:
        engine.dispose()
    handle = os.open(fresh, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
    for side in ("-wal", "-shm"):  # of a database that was here: it would be taken for the log of this one
        Path(f"{place}{side}").unlink(missing_ok=True)
    fresh.replace(place)


def _refuse_newer(schema: str) -> None:
    if not knows(schema):
        raise Conflict(
            "restore.newer_program",
            zh=f"这份备份由更新版本的兰台制作（结构版本 {schema}），没有恢复任何内容。请使用新版本。",
            en=f"A newer Lantai made this backup (schema {schema}); nothing was restored. Use that version.",
            schema=schema,
        )


def _site_exists(home: Path) -> Conflict:
    return Conflict(
        "restore.site_exists",
        zh=f"{home} 已是兰台站点，没有恢复任何内容。请把 LANTAI_HOME 指向一个空文件夹，或先把现有站点移走。",
        en=f"{home} is a Lantai site already; nothing was restored. Point LANTAI_HOME at an empty folder, or move the present site away.",
        home=str(home),
    )


def _database_exists(place: Path) -> Conflict:
    return Conflict(
        "restore.not_empty",
        zh=f"数据库 {place.name} 已存在，没有恢复任何内容。请先把它移走（不要删除）。",
        en=f"The database {place.name} exists; nothing was restored. Move it away first (do not delete it).",
        path=str(place),
    )
