"""Folders that every process of a site must reach: deposits in quarantine, and derivatives that pages show.

A worker on another machine that looks into a folder of its own would find no deposit and blame the depositor. So a mark
lies in each shared folder, its value in the database, and a worker that finds another one, or none, does not start.
"""

from __future__ import annotations

import getpass
import os
import socket
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from access.actors import console_actor
from lantai.site import Site
from metadata.errors import Unavailable
from metadata.identifiers import new_id
from repository.db import insert_or
from repository.ledger import job_acts
from repository.tables import SharedFolder

MARK = ".lantai-shared"


def check(site: Site, *, host: str = "", take: bool = False) -> None:
    """Check that the shared folders are those of the other processes; mark them when nobody has yet.

    The machine that marked a folder may mark it again (it was emptied, or restored there); another one only with
    ``take``, which the ledger records. ``Unavailable`` (``worker.other_folder``) names the folder and what to do.
    """
    host = host or socket.gethostname()[:80]
    folders = {"quarantine": site.archive.quarantine, "derivatives": site.archive.derivatives}
    with site.archive.sessions.begin() as session:
        for name, folder in folders.items():
            before = _check(session, name, folder, host, take=take)
            if take and before is not None:
                _record(session, site, name, before)


def _record(session: Session, site: Site, name: str, before: str) -> None:
    """Enter in the ledger that somebody at the console took another folder for the shared one."""
    job_acts.folder_taken(
        session,
        at=site.archive.clock.now(),
        actor=console_actor(session, site.archive.profile, getpass.getuser()).ref,
        folder=name,
        before=before,
        mark=session.get_one(SharedFolder, name).mark,
    )


def _check(session: Session, name: str, folder: Path, host: str, *, take: bool) -> str | None:
    """The mark that was known before where this one takes its place."""
    known = session.get(SharedFolder, name)
    before = known.mark if known is not None else None
    found = _read(folder)
    if known is None:  # of several that begin at once the first to say so marks the folder; the others wait for it here
        row = insert_or(session, SharedFolder).values(name=name, mark=found or new_id(), host=host)
        session.execute(row.on_conflict_do_nothing())
        known = session.scalars(select(SharedFolder).where(SharedFolder.name == name)).one()
        before, found = known.mark, found or _read(folder)
        if not found and known.host == host:
            _write(folder, known.mark)
            found = known.mark
    if take or (found != known.mark and host == known.host):
        mark = found or new_id()
        if not found:
            _write(folder, mark)
        session.merge(SharedFolder(name=name, mark=mark, host=host))
        session.flush()
        return before if mark != before else None
    if found != known.mark:
        raise Unavailable(
            "worker.other_folder",
            zh=f"本机的 {folder} 不是各进程共用的 {name} 目录（标记{'不同' if found else '缺失'}），工作进程没有启动。"
            f"请把共用目录挂载到这里；如确已更换目录，请在新目录所在机器上运行 lantai worker --take-folders。",
            en=f"{folder} on this machine is not the {name} folder that the site's processes share (its mark is "
            f"{'another' if found else 'missing'}); the worker did not start. Mount the shared folder there; if the folder "
            f"was replaced on purpose, run `lantai worker --take-folders` once.",
            folder=str(folder),
        )
    return None


def _read(folder: Path) -> str:
    try:
        return (folder / MARK).read_text(encoding="ascii", errors="replace").strip()[:36]
    except FileNotFoundError:
        return ""


def _write(folder: Path, mark: str) -> None:
    handle = os.open(folder / MARK, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o640)
    try:
        os.write(handle, f"{mark}\n".encode())
        os.fsync(handle)
    finally:
        os.close(handle)
