"""The site's search index as the settings have it: which engine, and where it lives."""

from __future__ import annotations

from lantai.settings import Settings
from search.generations import FolderHome
from search.home import IndexHome


def open_home(settings: Settings) -> IndexHome:
    """The home of the index; nothing is asked of it yet."""
    return FolderHome(settings.index_folder)
