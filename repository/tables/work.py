"""Bookkeeping of work: outbox of the index, leases, heartbeats, counters."""

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
