"""Leases: a right that one process holds at a time (sealer, index writer, auditor), for a limited time.

A lease is one row. Taking, prolonging and releasing it are single statements, so that two processes can never both
believe that they hold it, on SQLite and on PostgreSQL alike. A holder that dies loses the lease when it expires; a
holder that works longer than it asked for prolongs it in time with ``renew``, or has that done beside the work (``kept``), and stops
when that fails.
"""

from __future__ import annotations

import logging
import os
import secrets
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, cast

from sqlalchemy import CursorResult, delete, or_, select, update
from sqlalchemy.exc import SQLAlchemyError

from metadata.errors import Unavailable
from repository.clock import Clock, stamp
from repository.db import Sessions, insert_or
from repository.tables import Lease

log = logging.getLogger(__name__)


def holder_name(purpose: str) -> str:
    """A name for this process as holder that no other process and no other call shares."""
    return f"{purpose}:{socket.gethostname()[:30]}:{os.getpid()}:{secrets.token_hex(4)}"[:80]


def take(sessions: Sessions, name: str, holder: str, seconds: float, clock: Clock) -> bool:
    """Take the lease ``name`` for ``seconds``, or prolong it when ``holder`` has it already.

    False when another holder's lease has not expired; nothing is changed then. Its own transaction.
    """
    now = clock.now()
    values = {"name": name, "holder": holder, "expires_at": now + timedelta(seconds=seconds)}
    with sessions.begin() as session:
        statement = insert_or(session, Lease).values(**values)
        statement = statement.on_conflict_do_update(
            index_elements=[Lease.name],
            set_={"holder": statement.excluded.holder, "expires_at": statement.excluded.expires_at},
            where=or_(Lease.holder == holder, Lease.expires_at <= now),
        )
        session.execute(statement)
        return session.scalar(select(Lease.holder).where(Lease.name == name)) == holder


def renew(sessions: Sessions, name: str, holder: str, seconds: float, clock: Clock) -> bool:
    """Prolong a lease to ``seconds`` from now; False when ``holder`` no longer has it (stop working then)."""
    until = clock.now() + timedelta(seconds=seconds)
    statement = update(Lease).where(Lease.name == name, Lease.holder == holder).values(expires_at=until)
    with sessions.begin() as session:
        return cast("CursorResult[Any]", session.execute(statement)).rowcount == 1


def release(sessions: Sessions, name: str, holder: str) -> None:
    """Give the lease up; harmless when another holds it by now."""
    with sessions.begin() as session:
        session.execute(delete(Lease).where(Lease.name == name, Lease.holder == holder))


@contextmanager
def held(sessions: Sessions, name: str, holder: str, seconds: float, clock: Clock) -> Iterator[None]:
    """Hold the lease ``name`` for the block.

    Raises ``Unavailable`` (``lease.held``) when another process holds it, naming the holder and until when.
    """
    if not take(sessions, name, holder, seconds, clock):
        raise _held_by_another(sessions, name)
    try:
        yield
    finally:
        release(sessions, name, holder)


@dataclass
class Hold:
    """A lease that is prolonged beside the work of its holder; ``lost`` is set when another process has it."""

    sessions: Sessions
    name: str
    holder: str
    seconds: float
    clock: Clock
    lost: threading.Event = field(default_factory=threading.Event)

    def still(self) -> None:
        """Go on; ``Unavailable`` (``lease.lost``) when it was seen that another process has the lease. Costs nothing."""
        if self.lost.is_set():
            raise _lost(self.name)

    def prolong(self) -> None:
        """Prolong the lease now, as before a step that only its holder may take; ``Unavailable`` when it is lost."""
        if not renew(self.sessions, self.name, self.holder, self.seconds, self.clock):
            self.lost.set()
        self.still()


@contextmanager
def kept(sessions: Sessions, name: str, holder: str, seconds: float, clock: Clock) -> Iterator[Hold]:
    """Hold the lease ``name`` for the block as ``held`` does, prolonged by a thread however long the block takes.

    A database that is away for a while loses nothing as long as no other process takes the lease.
    """
    hold, ended = Hold(sessions, name, holder, seconds, clock), threading.Event()

    def keep() -> None:
        while not hold.lost.is_set() and not ended.wait(seconds / 3):
            try:
                if not renew(sessions, name, holder, seconds, clock):
                    hold.lost.set()
            except SQLAlchemyError as error:
                log.warning("lease %s could not be prolonged now: %s", name, error)

    with held(sessions, name, holder, seconds, clock):
        keeper = threading.Thread(target=keep, name=f"lease-{name}", daemon=True)
        keeper.start()
        try:
            yield hold
        finally:
            ended.set()
            keeper.join()


def _lost(name: str) -> Unavailable:
    return Unavailable(
        "lease.lost",
        zh=f"“{name}”工作的占用已失效，另一个进程接手了这项工作（本进程可能停顿过久），本进程已中止，没有完成。请等另一个进程结束后重试。",
        en=f"The right to do the work '{name}' was lost to another process (this one may have stood still for too long); "
        "the work was ended here unfinished. Try again when the other process has finished.",
        lease=name,
    )


def _held_by_another(sessions: Sessions, name: str) -> Unavailable:
    with sessions.begin() as session:
        lease = session.get(Lease, name)
    other = lease.holder if lease else "?"
    until = stamp(lease.expires_at) if lease else "?"
    return Unavailable(
        "lease.held",
        zh=f"“{name}”工作正由另一个进程（{other}）进行，其占用最迟到 {until} 失效。本进程没有做任何更改；请等它结束后重试。",
        en=f"Another process ({other}) is doing the work '{name}'; its hold ends at {until} at the latest. "
        "Nothing was changed here; try again when it has finished.",
        lease=name,
        holder=other,
        until=until,
    )
