"""What every command needs: the open site and who is acting."""

from __future__ import annotations

import getpass
from collections.abc import Iterator
from contextlib import contextmanager

from access.actors import Actor, console_actor
from lantai.site import Site, open_site


def system_user() -> str:
    """The system user who runs the command, as the ledger names him after ``console:``."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"


@contextmanager
def opened() -> Iterator[tuple[Site, Actor]]:
    """The site at ``LANTAI_HOME`` and the console's actor."""
    site = open_site()
    try:
        with site.archive.reading() as session:
            actor = console_actor(session, site.archive.profile, system_user())
        yield site, actor
    finally:
        site.close()
