"""The life of a site's replicas: adding, filling, retiring, and taking up in a running process what joined elsewhere."""

from __future__ import annotations

import logging
from pathlib import Path

from access.actors import Actor
from lantai.replica_places import refuse_one_place_twice
from lantai.replica_settings import ReplicaSettings
from lantai.settings import FILE_NAME, Settings, load
from lantai.settings_file import append_replica
from lantai.site import Site, open_replica
from lantai.stores import open_store
from metadata.errors import Conflict, LantaiError, NotFound, Unavailable
from repository import replication
from repository.objects import in_use
from repository.replication import Step
from repository.replication.filling import right_to_fill
from repository.storage.replicas import FILLING
from repository.tables import Replica

log = logging.getLogger(__name__)


def add(site: Site, name: str, *, actor: Actor, path: Path | None = None, required: bool = True) -> bool:
    """Make the store ``name`` of the settings a replica that is being filled; False when it is one already.

    ``path``: a folder that the settings do not describe yet; it is written into ``lantai.toml`` first. ``NotFound``
    (``replica.not_described``) says how to describe a store. Errors as ``replication.add_replica`` and the store's own.
    """
    wanted = _described(site.settings, name, path, required=required)
    refuse_one_place_twice([*(one for one in site.settings.replicas if one.name != name), wanted])
    store = open_store(wanted)
    with site.archive.reading() as session:
        known = session.get(Replica, name)
    if known is None:
        store.prepare()
        replication.refuse_when_taken(site.archive, store)
    with site.archive.sessions.begin() as session:
        added = replication.add_replica(
            session,
            archive=site.archive,
            actor=actor.ref,
            store=store,
            location=store.location,
            required=wanted.required,
        )
        if added:
            site.jobs.enqueue_fill(session, name)
    if path is not None and all(one.name != name for one in site.settings.replicas):
        append_replica(site.settings, wanted)
    follow(site)
    return added


def _described(settings: Settings, name: str, path: Path | None, *, required: bool) -> ReplicaSettings:
    """What the settings say about ``name``, or what ``path`` says; never two things at once."""
    found = next((one for one in settings.replicas if one.name == name), None)
    if found is not None:
        if path is not None and found.path != settings.home / path:
            raise Conflict(
                "replica.described_otherwise",
                zh=f"lantai.toml 已经说明了副本 {name}（{found.location}），与给出的文件夹不同。请去掉 --path，或改正 lantai.toml。",
                en=f"lantai.toml describes replica {name} already ({found.location}), and not with this folder. Leave --path out, or correct lantai.toml.",
                replica=name,
            )
        return found
    if path is None:
        raise NotFound(
            "replica.not_described",
            zh=f"设置中没有副本 {name}。请在 {settings.home / FILE_NAME} 加一段 [[replicas]]（name、kind、位置和密钥），或用 --path 指定一个文件夹，然后再运行。",
            en=f"The settings describe no replica {name}. Add a [[replicas]] part with its name, kind, place and keys to {settings.home / FILE_NAME}, or name a folder with --path, and run this again.",
            replica=name,
        )
    made = ReplicaSettings(name=name, kind="local", path=path, required=required)
    made.below(settings.home)
    return made


def retire(site: Site, name: str, *, actor: Actor) -> bool:
    """Take replica ``name`` out of use; False when it is already. Errors as ``replication.retire_replica``."""
    with site.archive.sessions.begin() as session:
        return replication.retire_replica(
            session, archive=site.archive, actor=actor.ref, name=name, confirmations=site.settings.confirmations
        )


def follow(site: Site) -> None:
    """Take up the stores of replicas that joined since this process began, as ``lantai.toml`` describes them by now.

    What the environment describes is fixed for the life of a process; such a replica is taken up at the next start.
    """
    used = set(site.archive.replicas.described)
    with site.archive.reading() as session:
        fresh = set(in_use(session)) - used
    if not fresh:
        return
    try:
        settings = load(home=site.settings.home)
    except LantaiError as error:
        log.warning("lantai.toml cannot be read anew: %s", error)
        return
    for one in settings.replicas:
        if one.name in fresh:
            store = open_replica(one, site.archive.holding_id, site.archive.keys)
            site.archive.replicas.admit(store, required=one.required, credentials=one.access_key)
            site.settings.replicas.append(one)


def fill(site: Site, name: str) -> Step:
    """One step of filling ``name``, or WAITING while another process fills it."""
    follow(site)
    try:
        with right_to_fill(site.archive, name):
            return replication.fill(site.archive, name)
    except Unavailable as error:
        if error.code != "lease.held":
            raise
        return Step.WAITING


def begin_fill(site: Site, name: str) -> str:
    """Enqueue the filling of replica ``name``; the job's id. ``Conflict`` when it is not being filled."""
    with site.archive.reading() as session:
        known = session.get(Replica, name)
    if known is None:
        raise replication.unknown_replica(site.archive, name)
    if known.state != FILLING:
        raise Conflict(
            "replica.not_filling",
            zh=f"副本 {name} 不在补写中，没有可继续的工作。",
            en=f"Replica {name} is not being filled; there is nothing to go on with.",
            replica=name,
        )
    with site.archive.sessions.begin() as session:
        return site.jobs.enqueue_fill(session, name)


def confirm_pair(site: Site, first: str, second: str) -> None:
    """Raise what ``replication.compare`` would raise for two names, before a job is begun."""
    replication.confirm_pair(site.archive, first, second)


def begin_fills(site: Site) -> int:
    """Enqueue the filling of replicas that no job fills; 0, because nothing is left to do by this."""
    with site.archive.reading() as session:
        names = replication.filling_replicas(session)
    for name in names:
        with site.archive.sessions.begin() as session:
            site.jobs.enqueue_fill(session, name)
    return 0
