"""Objects, replicas and what the audits found."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, LargeBinary, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from repository.tables.base import Base, Id, Serial, Sha256

_WAITING: dict[str, Any] = {"sqlite_where": text("written_at IS NULL"), "postgresql_where": text("written_at IS NULL")}


class Holding(Base):
    """The one holding this catalogue describes; a store that names another is refused."""

    __tablename__ = "holding"
    id: Mapped[Id] = mapped_column(primary_key=True)
    zone: Mapped[str] = mapped_column(String(64))
    name: Mapped[str] = mapped_column(String(200), default="")
    format_version: Mapped[int] = mapped_column(default=1)
    created_at: Mapped[datetime]


class ProfileVersion(Base):
    """A profile version ever used here; its files are preserved under ``p/profiles``."""

    __tablename__ = "profile_version"
    name: Mapped[str] = mapped_column(String(60), primary_key=True)
    version: Mapped[str] = mapped_column(String(40), primary_key=True)
    digest: Mapped[Sha256]
    first_used_at: Mapped[datetime]


class Replica(Base):
    """A store that keeps a full copy. ``state``: active, filling (joining), retired."""

    __tablename__ = "replica"
    name: Mapped[str] = mapped_column(String(32), primary_key=True)
    kind: Mapped[str] = mapped_column(String(16))
    location: Mapped[str] = mapped_column(Text)
    required: Mapped[bool] = mapped_column(default=True)
    state: Mapped[str] = mapped_column(String(16), default="active")
    added_at: Mapped[datetime]
    inventoried_at: Mapped[datetime | None]


class ReplicaFill(Base):
    """How far a replica that joins has come, and afterwards how it joined.

    ``phase``: listing (rows up to key ``listed_to`` are made), copying, verifying, done, given_up. ``objects`` and ``bytes``
    are what there is to bring in all, known when listing has ended. ``trouble``: why it waits (``code``, ``zh``, ``en``).
    """

    __tablename__ = "replica_fill"
    replica: Mapped[str] = mapped_column(ForeignKey("replica.name"), primary_key=True)
    phase: Mapped[str] = mapped_column(String(16), default="listing")
    listed_to: Mapped[str] = mapped_column(String(200), default="")
    objects: Mapped[int] = mapped_column(default=0)
    bytes: Mapped[int] = mapped_column(default=0)
    copied_objects: Mapped[int] = mapped_column(default=0)
    copied_bytes: Mapped[int] = mapped_column(default=0)
    verified_objects: Mapped[int] = mapped_column(default=0)
    verified_bytes: Mapped[int] = mapped_column(default=0)
    trouble: Mapped[dict[str, Any] | None]
    actor: Mapped[str] = mapped_column(String(80))
    started_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]


class ReplicaComparison(Base):
    """One comparison of the listings of two replicas; ``listed``: the first keys that differ, with how."""

    __tablename__ = "replica_comparison"
    seq: Mapped[Serial]
    first: Mapped[str] = mapped_column(String(32))
    second: Mapped[str] = mapped_column(String(32))
    deep: Mapped[bool] = mapped_column(default=False)
    same: Mapped[int] = mapped_column(default=0)
    only_first: Mapped[int] = mapped_column(default=0)
    only_second: Mapped[int] = mapped_column(default=0)
    sizes: Mapped[int] = mapped_column(default=0)
    digests: Mapped[int] = mapped_column(default=0)
    listed: Mapped[dict[str, Any]] = mapped_column(default=dict)
    actor: Mapped[str] = mapped_column(String(80))
    started_at: Mapped[datetime]
    finished_at: Mapped[datetime]


class StoredObject(Base):
    """An object that every replica must hold under ``key``.

    ``kind``: bag, description, case_file, entity, profile, block, checkpoint, tombstone, marker, document, evidence.
    Small objects keep their bytes in ``body`` from the transaction that froze them, so that writing them to a replica
    can always be repeated; bags have no body here.
    """

    __tablename__ = "stored_object"
    key: Mapped[str] = mapped_column(String(200), primary_key=True)
    kind: Mapped[str] = mapped_column(String(16), index=True)
    record_id: Mapped[str | None] = mapped_column(String(36), index=True)
    sha256: Mapped[Sha256]
    size: Mapped[int]
    body: Mapped[bytes | None] = mapped_column(LargeBinary)
    created_at: Mapped[datetime]


class ReplicaObject(Base):
    """One object on one replica: written or still to write, when last re-read, with what outcome."""

    __tablename__ = "replica_object"
    replica: Mapped[str] = mapped_column(ForeignKey("replica.name"), primary_key=True)
    key: Mapped[str] = mapped_column(ForeignKey("stored_object.key"), primary_key=True)
    written_at: Mapped[datetime | None]
    checked_at: Mapped[datetime | None]
    deep_checked_at: Mapped[datetime | None]
    outcome: Mapped[str | None] = mapped_column(String(16))
    __table_args__ = (
        Index(None, "key", "replica"),
        Index(None, "replica", "checked_at"),
        Index(None, "replica", "written_at"),
        Index("ix_replica_object_waiting", "replica", "key", **_WAITING),
    )


class AuditRun(Base):
    """One run of a fixity audit or an inventory over one replica."""

    __tablename__ = "audit_run"
    id: Mapped[Id] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(16))
    replica: Mapped[str] = mapped_column(String(32), index=True)
    started_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]
    objects: Mapped[int] = mapped_column(default=0)
    bytes_read: Mapped[int] = mapped_column(default=0)
    outcomes: Mapped[dict[str, Any]] = mapped_column(default=dict)
    actor: Mapped[str] = mapped_column(String(80))


class FixityCheck(Base):
    """One outcome for one object on one replica; append-only."""

    __tablename__ = "fixity_check"
    seq: Mapped[Serial]
    run_id: Mapped[str | None] = mapped_column(String(36), index=True)
    replica: Mapped[str] = mapped_column(String(32))
    key: Mapped[str] = mapped_column(String(200))
    outcome: Mapped[str] = mapped_column(String(16))
    deep: Mapped[bool] = mapped_column(default=False)
    checked_at: Mapped[datetime]
    detail: Mapped[dict[str, Any] | None]
    __table_args__ = (Index(None, "key", "replica", "seq"),)


class Incident(Base):
    """A fault of one object on one replica, from discovery to repair. ``state``: open, repaired, closed."""

    __tablename__ = "incident"
    id: Mapped[Id] = mapped_column(primary_key=True)
    seq: Mapped[int] = mapped_column(unique=True)
    replica: Mapped[str] = mapped_column(String(32))
    key: Mapped[str] = mapped_column(String(200))
    record_id: Mapped[str | None] = mapped_column(String(36), index=True)
    fault: Mapped[str] = mapped_column(String(16))
    state: Mapped[str] = mapped_column(String(16), default="open")
    detail: Mapped[dict[str, Any]]
    opened_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]
    resolution: Mapped[dict[str, Any] | None]
    __table_args__ = (Index(None, "state", "replica", "key"),)
