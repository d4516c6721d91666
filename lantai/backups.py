"""`lantai backup`: the catalogue, the keys and the settings as one bag in a store that is no replica.

All rows come from one snapshot while everybody goes on working. What waits is sealed and brought to the replicas first,
so that a restored database lacks as little as can be.
"""

from __future__ import annotations

import base64
import json
import logging
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session

from access.actors import SYSTEM
from lantai import __version__
from lantai.settings import FILE_NAME, Settings
from lantai.site import Site
from lantai.stores import open_store
from metadata.errors import Conflict, Invalid, LantaiError, NotFound
from metadata.identifiers import new_id
from repository import leases
from repository.archive import Archive
from repository.backup import bag, passphrase, rows
from repository.backup.bag import Facts, Label
from repository.keys import Keys
from repository.leases import Hold
from repository.ledger import backup_acts
from repository.ledger.acts import STREAMS, ActorRef
from repository.ledger.seal import last_block, seal
from repository.migrations import revision_of
from repository.pending import write_pending_objects
from repository.storage.base import Store
from repository.storage.local import LocalStore
from repository.tables import Base, LedgerPending

log = logging.getLogger(__name__)

Progress = Callable[[int, int | None, str | None], None]

SECRETS_FORMAT = "lantai-backup-secrets/1"
_LEASE = "backup"
_LEASE_SECONDS = 600.0
"""Prolonged while the backup runs; so long is the work of a killed one kept from others."""
_SPOOL = ".backup-"
_ROUNDS = 3


def quiet(_done: int, _total: int | None, _what: str | None) -> None:
    """Nobody watches."""


def open_stores(settings: Settings) -> list[Store]:
    """The stores that the settings name for backups."""
    return [open_store(one) for one in settings.backups]


def store_for(settings: Settings, to: str | None) -> Store:
    """The store that ``to`` names: one of the settings, or else a folder; without it the first of the settings.

    ``NotFound`` (``backup.unknown_store``) for a bare name that is neither, where the settings name stores: a slip of the
    pen must not leave names of people in a new folder here.
    """
    stores = {one.name: one for one in open_stores(settings)}
    if to is None:
        if not stores:
            raise NotFound(
                "backup.no_store",
                zh="没有说明备份存放在哪里。请用 --to 指定文件夹，或在 lantai.toml 中写明 [[backups]]。",
                en="It is not said where backups go. Name a folder with --to, or a store under [[backups]] in lantai.toml.",
            )
        return next(iter(stores.values()))
    if to in stores:
        return stores[to]
    if stores and "/" not in to and not Path(to).is_dir():
        raise NotFound(
            "backup.unknown_store",
            zh=f"设置中没有名为 {to} 的备份存储（现有：{'、'.join(stores)}），这里也没有这个文件夹，没有读写任何内容。若要新建文件夹，请写成 ./{to}。",
            en=f"The settings name no store {to} for backups (there are {', '.join(stores)}), and there is no such folder here; nothing was read or written. For a new folder write ./{to}.",
            store=to,
        )
    return LocalStore("folder", Path(to))


def configured_passphrase(settings: Settings) -> str | None:
    """The passphrase that settings or their file give; ``NotFound`` when the file cannot be read."""
    if settings.backup.passphrase is not None:
        return settings.backup.passphrase.get_secret_value()
    if settings.backup.passphrase_file is None:
        return None
    return read_passphrase(settings.backup.passphrase_file)


def read_passphrase(path: Path) -> str:
    """The first line of a passphrase file."""
    try:
        return path.read_text(encoding="utf-8").partition("\n")[0]
    except (OSError, UnicodeDecodeError) as error:
        raise NotFound(
            "backup.no_passphrase_file",
            zh=f"无法读取备份口令文件 {path}。请检查路径和权限。",
            en=f"The passphrase file {path} cannot be read. Check its path and rights.",
            path=str(path),
        ) from error


def make(site: Site, store: Store, *, secret: str, actor: ActorRef, progress: Progress = quiet) -> Label:
    """Make a backup in ``store`` and read it back.

    ``Invalid`` for a passphrase that is too short, ``Conflict`` for a store that is a replica, ``Unavailable`` when the
    store does not answer, another process makes a backup now (``lease.held``) or took it over (``lease.lost``). Nothing half made
    is ever listed.
    """
    archive = site.archive
    passphrase.checked(secret)
    store.prepare()
    refuse_preserved(archive, store)
    holder = leases.holder_name(_LEASE)
    with leases.kept(archive.sessions, _LEASE, holder, _LEASE_SECONDS, archive.clock) as hold:
        backup_id = new_id()
        earlier, _unfinished = bag.listing(store)
        with archive.sessions.begin() as session:
            backup_acts.backup_begun(
                session,
                at=archive.clock.now(),
                actor=actor,
                backup_id=backup_id,
                store=store.name,
                previous=earlier[0].sha256 if earlier else None,
            )
        _settle(archive)
        try:
            label = _write(site, store, backup_id, secret, progress, hold)
        except BaseException as error:
            code = error.code if isinstance(error, LantaiError) else "backup.interrupted"
            with archive.sessions.begin() as session:
                backup_acts.backup_failed(
                    session, at=archive.clock.now(), actor=actor, backup_id=backup_id, store=store.name, error=code
                )
            raise
    return label


def _settle(archive: Archive) -> None:
    """Seal and write what waits, as far as that goes now."""
    try:
        seal(archive)
        for _ in range(_ROUNDS):  # others go on writing: what comes later goes into the backup as it is
            if not write_pending_objects(archive):
                break
    except (
        LantaiError
    ) as error:  # another process seals, a replica is away or in conflict: a backup matters all the more
        log.warning("what waits goes into the backup as it is: %s", error)


def refuse_preserved(archive: Archive, store: Store) -> None:
    """``Conflict`` (``backup.in_replica``) for a store that is a replica or lies in one."""
    root = getattr(store, "root", None)
    inside = isinstance(root, Path) and any(
        root.resolve().is_relative_to(other.resolve()) or other.resolve().is_relative_to(root.resolve())
        for one in archive.replicas.stores
        if isinstance(other := getattr(one, "root", None), Path)
    )
    if inside or next(store.list("holding/"), None) is not None:
        raise Conflict(
            "backup.in_replica",
            zh=f"备份不能放进副本的保存区（{store.name}）。请另选一个文件夹或存储桶，最好在另一台机器上。",
            en=f"A backup does not go into a replica's preserved part ({store.name}). Choose another folder or bucket, best on another machine.",
            store=store.name,
        )


def _write(site: Site, store: Store, backup_id: str, secret: str, progress: Progress, hold: Hold) -> Label:
    now = site.archive.clock.now()
    with _spool(site.settings.home) as folder, _snapshot(site.engine) as session:
        facts = _facts(session, site, backup_id, now)
        files = []
        tables = rows.kept(Base.metadata)
        for place, table in enumerate(tables):
            hold.still()
            progress(place, len(tables), table.name)
            files.append(rows.write_table(session, table, folder / f"{table.name}.jsonl.gz"))
        session.rollback()  # the snapshot has served; writing to a far store may take long
        told = Facts(**{**facts.__dict__, "tables": {one.name: one.rows for one in files}})
        progress(len(tables), len(tables), store.name)
        return bag.write(store, told, files, secrets=_secrets(site.settings), passphrase=secret, hold=hold)


@contextmanager
def _spool(home: Path) -> Iterator[Path]:
    """A folder for the tables on their way; what a killed backup left is removed (the lease says nobody is at it)."""
    for left in home.glob(f"{_SPOOL}*"):
        shutil.rmtree(left, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix=_SPOOL, dir=home) as folder:
        yield Path(folder)


@contextmanager
def _snapshot(engine: Engine) -> Iterator[Session]:
    """A session that sees one moment of the database until it is rolled back, and keeps nobody from writing."""
    options = {"read_only": True} if engine.dialect.name == "sqlite" else {"isolation_level": "REPEATABLE READ"}
    with Session(engine.execution_options(**options)) as session:
        yield session


def _facts(session: Session, site: Site, backup_id: str, now: datetime) -> Facts:
    heads = {stream: head for stream in STREAMS if (head := last_block(session, stream)) is not None}
    settings = site.settings
    return Facts(
        id=backup_id,
        made_at=now.replace(microsecond=0),
        holding=site.archive.holding_id,
        program=__version__,
        schema=revision_of(session.connection()),
        database=session.get_bind().dialect.name,
        ledger={stream: (head.number, head.sha256) for stream, head in heads.items()},
        pending=session.scalar(select(func.count()).select_from(LedgerPending)) or 0,
        settings={
            "zone": settings.zone,
            "profile": settings.profile,
            "replicas": [{"name": one.name, "kind": one.kind} for one in settings.replicas],
        },
    )


def _secrets(settings: Settings) -> bytes:
    file = settings.home / FILE_NAME
    told = {
        "format": SECRETS_FORMAT,
        "keys": base64.b64encode(Keys.copy(settings.keys)).decode(),
        "settings": file.read_text(encoding="utf-8") if file.exists() else "",
        "files": {one.name: base64.b64encode(one.read_bytes()).decode() for one in settings.keys.glob("*.secret")},
    }
    return json.dumps(told).encode()


def open_secrets(data: bytes) -> tuple[bytes, str, dict[str, bytes]]:
    """(key file, ``lantai.toml``, files of stores' secrets by name) of what ``_secrets`` made."""
    try:
        told = json.loads(data)
        if told["format"] != SECRETS_FORMAT:
            raise bag.malformed(str(told["format"]))
        files = {Path(name).name: base64.b64decode(data) for name, data in told["files"].items()}
        return base64.b64decode(told["keys"]), str(told["settings"]), files
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise bag.malformed(bag.SECRETS) from error


def make_scheduled(site: Site) -> int:
    """A backup in every store of the settings, as the schedule asks; how many. Nothing where no schedule is set."""
    if not site.settings.backup.cron:
        return 0
    secret = configured_passphrase(site.settings)
    if secret is None:
        raise no_passphrase()
    stores, failed = open_stores(site.settings), None
    for store in stores:  # one that is away keeps none of the others from having theirs
        try:
            make(site, store, secret=secret, actor=SYSTEM.ref)
        except LantaiError as error:
            log.warning("no backup in %s: %s", store.name, error)
            failed = failed or error
    if failed is not None:
        raise failed
    return len(stores)


def read_file(path: Path) -> Callable[[], Iterator[bytes]]:
    """A backup that lies as a file somewhere; ``NotFound`` when nothing is there."""
    if not path.is_file():
        raise NotFound(
            "backup.no_file",
            zh=f"找不到备份文件 {path}。请给出备份的 .zip 文件，或存放备份的文件夹。",
            en=f"There is no backup file {path}. Name the backup's .zip file, or the folder with the backups.",
            path=str(path),
        )

    def chunks() -> Iterator[bytes]:
        with path.open("rb", buffering=0) as file:
            while chunk := file.read(1 << 20):
                yield chunk

    return chunks


def source_of(settings: Settings, where: str, name: str) -> tuple[Callable[[], Iterator[bytes]], str, str | None]:
    """(its bytes, what to call it, its recorded digest) of a backup: a ``.zip`` file, or ``name`` in a store or folder."""
    if where.endswith(".zip") or Path(where).is_file():
        return read_file(Path(where)), Path(where).name, None
    store = store_for(settings, where)
    label = bag.find(store, name)
    return (lambda: store.read(label.key)), label.name, label.sha256


def no_passphrase() -> Invalid:
    """Nothing gave a passphrase, and nobody can be asked."""
    return Invalid(
        "backup.no_passphrase",
        zh="没有备份口令。请用 --passphrase-file 指定口令文件，或设置 backup.passphrase_file。",
        en="There is no passphrase. Name a file with --passphrase-file, or set backup.passphrase_file.",
    )
