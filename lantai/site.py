"""A site: settings turned into an opened archive, its index and its jobs. Built once per process and passed in."""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from access.actors import console_actor
from access.organs import create_organ
from lantai.jobs import Jobs, migrate
from lantai.settings import FILE_NAME, Settings, load, write_initial
from metadata.errors import Invalid, NotFound, Unavailable
from metadata.identifiers import new_id
from metadata.profile import Profile, builtin, load_profile
from repository.archive import Archive
from repository.clock import Clock, SystemClock
from repository.db import open_engine, open_sessions, reading_sessions
from repository.holding import check_marker, initialise_store
from repository.keys import Keys
from repository.ledger import acts
from repository.migrations import is_current, upgrade
from repository.revisions import adopt_profile
from repository.storage.base import Store
from repository.storage.local import LocalStore
from repository.storage.offline import OfflineStore
from repository.storage.replicas import Replicas
from repository.tables import Holding, Replica
from search.engines.base import Engine as SearchEngine
from search.indexer import open_live

log = logging.getLogger(__name__)


@dataclass
class Site:
    """What a command, a web process or a worker holds."""

    settings: Settings
    archive: Archive
    engine: Engine
    jobs: Jobs
    process_name: str = field(default_factory=lambda: f"{socket.gethostname()[:40]}-{os.getpid()}-{new_id()[:8]}")

    @property
    def index_folder(self) -> Path:
        """Where the embedded index lies."""
        return self.settings.index_folder

    def search_engine(self) -> SearchEngine:
        """The live index, opened for reading; the caller closes it."""
        return open_live(self.index_folder)

    def close(self) -> None:
        """Give connections and files back."""
        self.jobs.close()
        self.engine.dispose()


def _profile(settings: Settings) -> Profile:
    folder = Path(settings.profile)
    return load_profile(folder) if folder.is_dir() else builtin(settings.profile)


def _stores(settings: Settings) -> list[Store]:
    return [LocalStore(replica.name, replica.path) for replica in settings.replicas]


def _archive(
    settings: Settings, engine: Engine, *, keys: Keys, clock: Clock, holding_id: str, stores: Sequence[Store]
) -> Archive:
    for folder in (settings.quarantine, settings.derivatives):
        folder.mkdir(parents=True, exist_ok=True)
    return Archive(
        holding_id=holding_id,
        zone=settings.zone,
        sessions=open_sessions(engine),
        reading=reading_sessions(engine),
        replicas=Replicas(stores, {one.name for one in settings.replicas if one.required}),
        keys=keys,
        clock=clock,
        profile=_profile(settings),
        quarantine=settings.quarantine,
        derivatives=settings.derivatives,
    )


def is_initialised(settings: Settings) -> bool:
    """Whether ``lantai init`` has been here."""
    return settings.holding_id is not None and (settings.home / FILE_NAME).exists()


def initialise(settings: Settings, *, bureau: str, division: str, clock: Clock | None = None) -> Site:
    """Make a new site: folders, keys, database, holding markers on every replica, the bureau, ``lantai.toml``.

    ``lantai.toml`` is written last: a run that was interrupted can simply be repeated.
    """
    clock = clock or SystemClock()
    if is_initialised(settings):
        raise Invalid(
            "site.exists",
            zh=f"{settings.home} 已经是一个兰台站点，未作任何改动。",
            en=f"{settings.home} is a Lantai site already; nothing was changed.",
            home=str(settings.home),
        )
    settings.home.mkdir(parents=True, exist_ok=True)
    keys = Keys.open(settings.keys) if Keys.exist(settings.keys) else Keys.create(settings.keys)
    engine = open_engine(settings.database_url, busy_seconds=settings.busy_seconds)
    upgrade(engine)
    migrate(settings.database_url)
    sessions = open_sessions(engine)
    with sessions.begin() as session:
        holding_id = _holding(session, settings, clock)
    archive = _archive(settings, engine, keys=keys, clock=clock, holding_id=holding_id, stores=_stores(settings))
    with archive.sessions.begin() as session:
        _furnish(session, archive, settings, bureau, division)
    write_initial(settings, holding_id=holding_id)
    return open_site(load(home=settings.home), clock=clock)


def _holding(session: Session, settings: Settings, clock: Clock) -> str:
    row = session.scalars(select(Holding)).first()
    if row is None:
        row = Holding(
            id=settings.holding_id or new_id(), zone=settings.zone, name=settings.site_name, created_at=clock.now()
        )
        session.add(row)
        session.flush()
    return row.id


def _furnish(session: Session, archive: Archive, settings: Settings, bureau: str, division: str) -> None:
    actor = console_actor(session, archive.profile, "init")
    now = archive.clock.now()
    for replica in settings.replicas:
        if session.get(Replica, replica.name) is None:
            session.add(
                Replica(
                    name=replica.name,
                    kind=replica.kind,
                    location=str(replica.path),
                    required=replica.required,
                    added_at=now,
                )
            )
            session.flush()
            acts.replica_added(session, at=now, actor=actor.ref, replica=replica.name, kind=replica.kind)
    for store in (archive.replicas.store(name) for name in archive.replicas.names):
        initialise_store(session, archive=archive, store=store)
    adopt_profile(session, archive=archive, actor=actor.ref)
    create_organ(
        session,
        archive=archive,
        actor=actor,
        code="bureau",
        name_zh=bureau,
        name_en="County civil-affairs bureau",
        level="CB",
        division_prefix=division,
    )


def load_initialised(settings: Settings | None = None) -> Settings:
    """The settings of a site that exists; ``NotFound`` (``site.missing``) says how to make one."""
    settings = settings or load()
    if not is_initialised(settings):
        raise NotFound(
            "site.missing",
            zh=f"{settings.home} 还不是兰台站点。请先运行 lantai init，或用 LANTAI_HOME 指定站点目录。",
            en=f"{settings.home} is no Lantai site yet. Run `lantai init`, or name the site's folder in LANTAI_HOME.",
            home=str(settings.home),
        )
    return settings


def build_archive(settings: Settings, engine: Engine, clock: Clock) -> Archive:
    """The archive of an initialised site on ``engine``; a store that belongs to another holding is refused."""
    assert settings.holding_id is not None
    stores = [_marked(store, settings.holding_id) for store in _stores(settings)]
    return _archive(
        settings, engine, keys=Keys.open(settings.keys), clock=clock, holding_id=settings.holding_id, stores=stores
    )


def _marked(store: Store, holding_id: str) -> Store:
    """``store`` when it carries this holding's marker; a store that does not answer stands offline, others go on."""
    try:
        check_marker(store, holding_id)
    except Unavailable as error:
        log.warning("replica %s is offline: %s", store.name, error)
        return OfflineStore(store.name, store.kind, error)
    return store


def open_site(settings: Settings | None = None, *, clock: Clock | None = None) -> Site:
    """Open the site at ``LANTAI_HOME``, bringing its schema up to date.

    ``Unavailable`` (``catalogue.empty``) when the database is gone although the stores hold records: it must be
    rebuilt, not begun anew.
    """
    settings = load_initialised(settings)
    engine = open_engine(settings.database_url, busy_seconds=settings.busy_seconds)
    if not is_current(engine):
        upgrade(engine)
        migrate(settings.database_url)
    archive = build_archive(settings, engine, clock or SystemClock())
    with archive.reading() as session:
        if session.scalars(select(Holding.id)).first() is None:
            raise Unavailable(
                "catalogue.empty",
                zh="数据库是空的，而副本中有档案。请运行 lantai rebuild --from a 重建目录库。",
                en="The database is empty although the replicas hold records. Run `lantai rebuild --from a`.",
            )
    return Site(settings=settings, archive=archive, engine=engine, jobs=Jobs(settings.database_url))
