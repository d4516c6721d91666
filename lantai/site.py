"""A site: settings turned into an opened archive, its index and its jobs. Built once per process and passed in."""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from sqlalchemy import Engine, select
from sqlalchemy.exc import DatabaseError, OperationalError
from sqlalchemy.orm import Session

from access.actors import SYSTEM, console_actor
from access.organ_tree import OrganNames
from access.organs import create_organ
from access.permits import Permits
from lantai.alone import alone
from lantai.database import bring_up_to_date, file_of, follow_program, has_database, open_database
from lantai.index_home import open_home
from lantai.jobs import Jobs
from lantai.parts import Parts
from lantai.replica_places import refuse_one_place_twice
from lantai.replica_settings import ReplicaSettings
from lantai.settings import FILE_NAME, Settings, load
from lantai.settings_file import write_initial
from lantai.stores import open_store
from metadata.errors import Conflict, Invalid, NotFound, Unavailable
from metadata.identifiers import new_id
from metadata.profile import Profile, builtin, load_profile
from repository.archive import Archive
from repository.backup.ahead import is_stopped
from repository.clock import Clock, SystemClock
from repository.db import Sessions, asking_sessions, open_sessions, reading_sessions
from repository.holding import MARKER_DAMAGED, check_keys, check_marker, initialise_store
from repository.keys import Keys
from repository.ledger import acts
from repository.replication.states import KnownStates
from repository.revisions import adopt_profile
from repository.storage.base import Store
from repository.storage.offline import OfflineStore
from repository.storage.replicas import Replicas
from repository.tables import Holding, ProfileVersion, Replica
from retention.reckoned import Reckoned
from search.engines.base import Engine as SearchEngine
from search.home import IndexHome
from search.indexer import rebuild

log = logging.getLogger(__name__)


@dataclass
class Site:
    """What a command, a web process or a worker holds. ``asking``: sessions for one question each."""

    settings: Settings
    archive: Archive
    engine: Engine
    asking: Sessions
    jobs: Jobs
    index: IndexHome
    permits: Permits = field(default_factory=Permits)
    organ_names: OrganNames = field(default_factory=OrganNames)
    reckoned: Reckoned = field(default_factory=Reckoned)
    parts: Parts | None = None
    process_name: str = field(default_factory=lambda: f"{socket.gethostname()[:40]}-{os.getpid()}-{new_id()[:8]}")

    def search_engine(self) -> SearchEngine:
        """The live index, opened for reading; the caller closes it."""
        return self.index.open_live()

    def close(self) -> None:
        """Give connections and files back."""
        if self.parts is not None:
            self.parts.close()
        self.index.close()
        self.jobs.close()
        self.engine.dispose()


def _profile(settings: Settings) -> Profile:
    folder = Path(settings.profile)
    return load_profile(folder) if folder.is_dir() else builtin(settings.profile)


def _archive(
    settings: Settings, engine: Engine, *, keys: Keys, clock: Clock, holding_id: str, stores: Sequence[Store]
) -> Archive:
    for folder in (settings.quarantine, settings.derivatives):
        folder.mkdir(parents=True, exist_ok=True, mode=0o750)
    reading = reading_sessions(engine)
    states = KnownStates(reading)
    return Archive(
        holding_id=holding_id,
        zone=settings.zone,
        sessions=open_sessions(engine),
        reading=reading,
        replicas=Replicas(
            stores,
            {one.name for one in settings.replicas if one.required},
            confirmations=settings.confirmations,
            states=states,
            optional=states.optional,
            credentials={one.name: one.access_key for one in settings.replicas if one.access_key},
        ),
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

    ``lantai.toml`` is finished last: a run that was interrupted can simply be repeated. ``Invalid`` (``site.exists``)
    for a site that exists, ``Unavailable`` (``site.busy``) while another process makes one here.
    """
    clock = clock or SystemClock()
    with alone(settings.home):
        if is_initialised(load(home=settings.home)):
            raise Invalid(
                "site.exists",
                zh=f"{settings.home} 已经是一个兰台站点，未作任何改动。",
                en=f"{settings.home} is a Lantai site already; nothing was changed.",
                home=str(settings.home),
            )
        _make(settings, bureau=bureau, division=division, clock=clock)
    site = open_site(load(home=settings.home), clock=clock)
    _begin_index(site)
    return site


def _begin_index(site: Site) -> None:
    """An index on a cluster, so that searching answers before a worker has come by; one that is away hinders nothing."""
    if site.settings.search.engine == "embedded":
        return  # made at its first opening
    try:
        if site.index.live_generation() is None:
            rebuild(site.archive, site.index)
    except Unavailable as error:
        log.warning("the index will be made by a worker: %s", error)


def _make(settings: Settings, *, bureau: str, division: str, clock: Clock) -> None:
    refuse_one_place_twice(settings.replicas)
    keys = Keys.open(settings.keys) if Keys.exist(settings.keys) else Keys.create(settings.keys)
    bring_up_to_date(settings)
    engine = open_database(settings)
    try:
        sessions = open_sessions(engine)
        with sessions.begin() as session:
            holding_id = _holding(session, settings, clock)
        stores = [open_store(replica) for replica in settings.replicas]
        archive = _archive(settings, engine, keys=keys, clock=clock, holding_id=holding_id, stores=stores)
        with archive.sessions.begin() as session:
            _furnish(session, archive, settings, bureau, division)
        write_initial(settings, holding_id=holding_id)
    finally:
        engine.dispose()


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
                    location=archive.replicas.store(replica.name).location,
                    required=replica.required,
                    added_at=now,
                )
            )
            session.flush()
            acts.replica_added(
                session,
                at=now,
                actor=actor.ref,
                replica=replica.name,
                kind=replica.kind,
                required=replica.required,
            )
    for store in archive.replicas.stores:
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


def build_archive(settings: Settings, engine: Engine, clock: Clock, *, other_keys: bool = False) -> Archive:
    """The archive of an initialised site on ``engine``.

    ``Conflict`` for a store that belongs to another holding or is written with other keys (unless ``other_keys``), and
    when two replicas lie in one place.
    """
    assert settings.holding_id is not None
    refuse_one_place_twice(settings.replicas)
    keys = Keys.open(settings.keys)
    known = None if other_keys else keys
    stores = [open_replica(replica, settings.holding_id, known) for replica in settings.replicas]
    return _archive(settings, engine, keys=keys, clock=clock, holding_id=settings.holding_id, stores=stores)


def open_replica(replica: ReplicaSettings, holding_id: str, keys: Keys | None) -> Store:
    """The replica's store; one that does not answer stands offline and is looked for again, others go on."""
    try:
        return _proved(replica, holding_id, keys)
    except Unavailable as error:
        log.warning("replica %s is offline: %s", replica.name, error)
        look = partial(_proved, replica, holding_id, keys)
        return OfflineStore(replica.name, replica.kind, error, look, location=replica.location)


def _proved(replica: ReplicaSettings, holding_id: str, keys: Keys | None) -> Store:
    """The store opened anew, when it carries this holding's marker and is written with these keys.

    One whose marker is damaged is used: audits name the marker, and a repair writes it anew.
    """
    store = open_store(replica)
    try:
        check_marker(store, holding_id)
    except Invalid as error:
        if error.code != MARKER_DAMAGED:
            raise
        log.warning("replica %s: %s", store.name, error)
    if keys is not None:
        check_keys(store, keys, holding_id)
    try:
        swept = store.check()
    except Unavailable as error:  # it may still be read
        log.warning("replica %s cannot be written: %s", store.name, error)
    else:
        if swept:
            log.info("replica %s: %d leftovers of interrupted writes removed", store.name, swept)
    return store


def open_site(settings: Settings | None = None, *, clock: Clock | None = None) -> Site:
    """Open the site at ``LANTAI_HOME``, bringing its schema up to date.

    ``Unavailable``: ``catalogue.empty`` when the database is gone although the stores hold records (it must be rebuilt,
    not begun anew; none is made), ``database.newer_schema``. ``Conflict`` for a database of another holding.
    """
    settings = load_initialised(settings)
    if not has_database(settings):
        raise _empty(settings)
    engine = open_database(settings)
    try:
        follow_program(settings, engine)
        archive = build_archive(settings, engine, clock or SystemClock())
        _check_holding(settings, archive)
        _refuse_when_behind(settings, archive)
        _follow_profile(archive)
    except BaseException as error:
        engine.dispose()
        if (
            isinstance(error, DatabaseError)
            and not isinstance(error, OperationalError)
            and file_of(settings.database_url)
        ):
            raise _damaged(settings) from error
        raise
    return Site(
        settings=settings,
        archive=archive,
        engine=engine,
        asking=asking_sessions(engine),
        jobs=Jobs(settings.database_url, engine),
        index=open_home(settings),
    )


def _follow_profile(archive: Archive) -> None:
    """Preserve the files of a profile version that came with a newer program, before any act is done under it."""
    wanted = (ProfileVersion.name == archive.profile.name, ProfileVersion.version == archive.profile.version)
    with archive.reading() as session:
        known = session.scalar(select(ProfileVersion.digest).where(*wanted))
    if known != archive.profile.digest:
        with archive.sessions.begin() as session:
            adopt_profile(session, archive=archive, actor=SYSTEM.ref)


def _check_holding(settings: Settings, archive: Archive) -> None:
    with archive.reading() as session:
        found = session.scalars(select(Holding.id)).first()
    if found is None:
        raise _empty(settings)
    if found != settings.holding_id:
        raise Conflict(
            "catalogue.other_holding",
            zh=f"数据库属于另一个馆藏（{found}），没有使用。请检查 lantai.toml 和数据库的位置。",
            en=f"The database belongs to another holding ({found}) and was not used. Check lantai.toml and where the database lies.",
            found=found,
        )


def _refuse_when_behind(settings: Settings, archive: Archive) -> None:
    """A database restored from an old backup is not worked with: its new numbers are taken in the stores."""
    with archive.reading() as session:
        stopped = is_stopped(session)
    if stopped:
        names = "|".join(one.name for one in settings.replicas)
        raise Unavailable(
            "restore.stores_ahead",
            zh=f"目录数据库由备份恢复，而副本中的内容更新，为免冲突已停止写入。请运行 lantai rebuild --from {names} --forward 补齐。",
            en=f"The catalogue was restored from a backup and the stores know more, so nothing is written. Run `lantai rebuild --from {names} --forward` to catch up.",
        )


def _damaged(settings: Settings) -> Unavailable:
    names = "|".join(one.name for one in settings.replicas)
    return Unavailable(
        "catalogue.damaged",
        zh=f"目录数据库已损坏，无法读取，副本中的档案未受影响。请恢复数据库备份，或运行 lantai rebuild --from {names} 重建（损坏的文件会保留）。",
        en=f"The catalogue's database is damaged and cannot be read; the replicas are untouched. Restore its backup, or run `lantai rebuild --from {names}` (the damaged file is kept).",
    )


def _empty(settings: Settings) -> Unavailable:
    names = "|".join(one.name for one in settings.replicas)
    return Unavailable(
        "catalogue.empty",
        zh=f"目录数据库不存在或是空的，副本中的档案未受影响。请恢复数据库备份，或运行 lantai rebuild --from {names} 重建。",
        en=f"The catalogue's database is missing or empty; the replicas are untouched. Restore its backup, or run `lantai rebuild --from {names}`.",
    )
