"""Bookkeeping of work: outbox of the index, leases, heartbeats, what is known of jobs, shared folders, counters."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Index, String
from sqlalchemy.orm import Mapped, mapped_column

from repository.tables.base import Base, Serial


class Outbox(Base):
    """A subject whose index entry must be made anew; marked done one by one (commits overtake each other)."""

    __tablename__ = "outbox"
    seq: Mapped[Serial]
    kind: Mapped[str] = mapped_column(String(16))
    subject_id: Mapped[str] = mapped_column(String(36))
    created_at: Mapped[datetime]
    done_at: Mapped[datetime | None]
    __table_args__ = (Index(None, "done_at", "seq"),)


class Lease(Base):
    """A right held by one process at a time: index writer, sealer. Expires by the database's own rows, not by hope."""

    __tablename__ = "lease"
    name: Mapped[str] = mapped_column(String(40), primary_key=True)
    holder: Mapped[str] = mapped_column(String(80))
    expires_at: Mapped[datetime]


class Heartbeat(Base):
    """A worker that lives; its unfinished workflows are taken over when it stops beating. Epoch seconds (UTC)."""

    __tablename__ = "heartbeat"
    executor_id: Mapped[str] = mapped_column(String(80), primary_key=True)
    seen: Mapped[float]
    started: Mapped[float]
    host: Mapped[str] = mapped_column(String(80), default="", server_default="")
    queues: Mapped[list[Any]] = mapped_column(default=list, server_default="[]")


class JobNote(Base):
    """What the job engine does not keep of a job: whose it is, how far it has come, what it waits for, why it failed.

    ``queue`` stays when the job is stopped, which takes it out of the engine's queue. ``request_id`` and ``actor_id``:
    the request and the account it came from, where there was one. ``done`` of ``total``: none where nothing can be
    counted. ``waits`` and ``cause`` are ``{code, zh, en, at}``: the outage it waits for now, the fault it ended with.
    """

    __tablename__ = "job_note"
    job_id: Mapped[str] = mapped_column(String(160), primary_key=True)
    queue: Mapped[str] = mapped_column(String(20))
    request_id: Mapped[str | None] = mapped_column(String(64))
    actor_id: Mapped[str | None] = mapped_column(String(36))
    begun_at: Mapped[datetime | None]
    done: Mapped[int | None]
    total: Mapped[int | None]
    waits: Mapped[dict[str, Any] | None]
    cause: Mapped[dict[str, Any] | None]


class SharedFolder(Base):
    """A folder that every process of the site must reach, known by the mark that lies in it; ``host`` put it there."""

    __tablename__ = "shared_folder"
    name: Mapped[str] = mapped_column(String(20), primary_key=True)
    mark: Mapped[str] = mapped_column(String(36))
    host: Mapped[str] = mapped_column(String(80))


class Counter(Base):
    """Totals kept by the acts that change them, so that no page counts a million rows."""

    __tablename__ = "counter"
    name: Mapped[str] = mapped_column(String(40), primary_key=True)
    value: Mapped[int] = mapped_column(default=0)


class IndexState(Base):
    """Which index folder is live and how far it has come."""

    __tablename__ = "index_state"
    name: Mapped[str] = mapped_column(String(40), primary_key=True)
    generation: Mapped[str] = mapped_column(String(40))
    built_at: Mapped[datetime | None]
    detail: Mapped[dict[str, Any]] = mapped_column(default=dict)
