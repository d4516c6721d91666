"""Leases: a right that one process holds at a time (sealer, index writer, auditor), for a limited time.

A lease is one row. Taking, prolonging and releasing it are single statements, so that two processes can never both
believe that they hold it, on SQLite and on PostgreSQL alike. A holder that dies loses the lease when it expires; a
holder that works longer than it asked for prolongs it in time with ``renew`` and stops when that fails.
"""

from __future__ import annotations

import os
import secrets
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, cast

from sqlalchemy import CursorResult, delete, or_, select, update

from metadata.errors import Unavailable
from repository.clock import Clock, stamp
from repository.db import Sessions, insert_or
from repository.tables import Lease


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
