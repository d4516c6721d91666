"""The site's search index as the settings have it: which engine, and where it lives."""

from __future__ import annotations

from lantai.settings import Settings
from search.generations import FolderHome
from search.home import IndexHome


def open_home(settings: Settings) -> IndexHome:
    """The home of an initialised site's index; nothing is asked of it yet."""
    search = settings.search
    if search.engine == "embedded":
        return FolderHome(settings.index_folder)
    from search.cluster import ClusterHome, Reach  # half a second to import, for sites that use it

    return ClusterHome(
        Reach(
            urls=tuple(search.urls),
            index=search.index,
            holding_id=settings.holding_id or "",
            ca_file=search.ca_file,
            verify=search.verify,
            user=search.user,
            password=search.password.get_secret_value(),
            api_key=search.api_key.get_secret_value(),
            shards=search.shards,
            replicas=search.replicas,
            refresh="true" if search.refresh == "now" else "wait_for",
            seconds=search.seconds,
        )
    )
