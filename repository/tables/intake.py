"""Submissions on their way in."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from repository.tables.base import Base, Id, Serial


class Submission(Base):
    """One deposit. ``state``: receiving, examining, waiting, accepted, storing, done, returned, failed.

    ``options``: household_no, programme, one_record, in_place, accept, document_type, title, case files and records as
    the deposit list names them. ``counts``: files, bytes, records, findings by severity.
    """

    __tablename__ = "submission"
    __table_args__ = (Index(None, "actor_id", "seq"),)
    seq: Mapped[Serial]
    id: Mapped[Id] = mapped_column(unique=True)
    state: Mapped[str] = mapped_column(String(16), index=True)
    step: Mapped[str] = mapped_column(String(24), default="")
    title: Mapped[str] = mapped_column(String(300))
    channel: Mapped[str] = mapped_column(String(24))
    organ_id: Mapped[str] = mapped_column(ForeignKey("organ.id"))
    actor_id: Mapped[str] = mapped_column(String(80))
    options: Mapped[dict[str, Any]]
    counts: Mapped[dict[str, Any]] = mapped_column(default=dict)
    attempts: Mapped[int] = mapped_column(default=0)
    error: Mapped[dict[str, Any] | None]
    profile_version: Mapped[str] = mapped_column(String(80))
    idempotency_key: Mapped[str | None] = mapped_column(String(120), unique=True)
    revision: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


class SubmissionFile(Base):
    """A file as deposited. ``path`` is the name as given below the deposit's root; bytes lie at ``source``.

    ``technical``: what the checks measured (pages, width, height, dpi, seconds, camera …), None before they ran.
    """

    __tablename__ = "submission_file"
    seq: Mapped[Serial]
    submission_id: Mapped[str]
    position: Mapped[int]
    path: Mapped[str] = mapped_column(Text)
    path_bytes: Mapped[str | None] = mapped_column(Text)
    source: Mapped[str] = mapped_column(Text)
    container: Mapped[str | None] = mapped_column(Text)
    size: Mapped[int]
    modified_ns: Mapped[int | None]
    crc32: Mapped[int]
    digests: Mapped[dict[str, Any]]
    chunk_sha256: Mapped[str | None] = mapped_column(Text)
    puid: Mapped[str | None] = mapped_column(String(40))
    format_name: Mapped[str | None] = mapped_column(String(200))
    format_version: Mapped[str | None] = mapped_column(String(40))
    mime: Mapped[str | None] = mapped_column(String(200))
    role: Mapped[str] = mapped_column(String(16), default="payload")
    record_id: Mapped[str | None] = mapped_column(String(36))
    technical: Mapped[dict[str, Any] | None]
    __table_args__ = (UniqueConstraint("submission_id", "position"), Index(None, "submission_id", "record_id"))


class RecordPlan(Base):
    """A record to be packed: frozen once, so that every retry writes the same bytes.

    ``state``: planned, left_out, frozen, stored, accessioned. ``plan_path``: the frozen plan in quarantine, relative to
    it. ``suggested``: what the content says about document type, household and date, with confidence; ``given``: what a
    clerk confirmed or entered, which prevails.
    """

    __tablename__ = "record_plan"
    record_id: Mapped[Id] = mapped_column(primary_key=True)
    submission_id: Mapped[str] = mapped_column(String(36))
    position: Mapped[int]
    state: Mapped[str] = mapped_column(String(16))
    spec: Mapped[dict[str, Any]]
    suggested: Mapped[dict[str, Any] | None]
    given: Mapped[dict[str, Any] | None]
    plan_path: Mapped[str | None] = mapped_column(Text)
    object_sha256: Mapped[str | None] = mapped_column(String(64))
    object_size: Mapped[int | None]
    __table_args__ = (Index(None, "submission_id", "state", "position"),)


class Finding(Base):
    """One finding of one check about one submission or file in it; the sentence is made when shown."""

    __tablename__ = "finding"
    seq: Mapped[Serial]
    submission_id: Mapped[str] = mapped_column(String(36))
    code: Mapped[str] = mapped_column(String(60))
    severity: Mapped[str] = mapped_column(String(8))
    outcome: Mapped[str] = mapped_column(String(16))
    path: Mapped[str | None] = mapped_column(Text)
    record_id: Mapped[str | None] = mapped_column(String(36))
    params: Mapped[dict[str, Any]] = mapped_column(default=dict)
    created_at: Mapped[datetime]
    __table_args__ = (Index(None, "submission_id", "seq"),)


class Upload(Base):
    """A file on its way in by parts (tus 1.0): ``received`` of ``length`` bytes lie at ``source`` in quarantine.

    ``state``: open, done. ``position``: the place of the file in its submission once it is whole. A row goes when it is
    given up or past ``expires_at``.
    """

    __tablename__ = "upload"
    seq: Mapped[Serial]
    id: Mapped[Id] = mapped_column(unique=True)
    submission_id: Mapped[str] = mapped_column(String(36), index=True)
    account_id: Mapped[str] = mapped_column(String(80))
    path: Mapped[str] = mapped_column(Text)
    length: Mapped[int]
    received: Mapped[int] = mapped_column(default=0)
    source: Mapped[str] = mapped_column(Text)
    position: Mapped[int | None]
    state: Mapped[str] = mapped_column(String(16), default="open")
    expires_at: Mapped[datetime]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
