"""How the backups of a site are: whether each store that should have them has a young one."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from lantai.parts import Part, State
from lantai.replica_settings import ReplicaSettings
from lantai.stores import open_store
from metadata.errors import LantaiError
from repository.backup.bag import listing

if TYPE_CHECKING:
    from lantai.site import Site


def backups(site: Site, place: ReplicaSettings) -> Part:
    """The newest finished backup in ``place``; degraded when it is older than ``backup.warn_hours``, or there is none."""
    name, hours = f"backup {place.name}", site.settings.backup.warn_hours
    try:
        labels, _unfinished = listing(open_store(place))
    except LantaiError as error:
        if error.code == "store.root_missing":
            labels = []
        else:
            return Part(name, State.DEGRADED, error.zh, error.en)
    if not labels:
        return Part(
            name,
            State.DEGRADED,
            f"备份存储“{place.name}”中还没有备份。请运行 lantai backup。",
            f"There is no backup in {place.name} yet. Run `lantai backup`.",
        )
    newest = labels[0].facts.made_at
    if newest < site.archive.clock.now() - timedelta(hours=hours):
        return Part(
            name,
            State.DEGRADED,
            f"“{place.name}”中最近的备份（{labels[0].name}）已超过 {hours:g} 小时。请运行 lantai backup，并检查定时任务。",
            f"The last backup in {place.name} ({labels[0].name}) is older than {hours:g} hours. Run `lantai backup` and look at its schedule.",
            since=newest + timedelta(hours=hours),
        )
    return Part(name, State.OK, f"最近的备份：{labels[0].name}。", f"Last backup: {labels[0].name}.")
