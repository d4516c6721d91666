"""What is kept: households, case files, records, their versions and files."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any

from sqlalchemy import Computed, ForeignKey, Index, LargeBinary, String, Text, UniqueConstraint, false, text
from sqlalchemy.orm import Mapped, mapped_column

from repository.tables.base import Base, Id, Serial, Sha256

Township = Annotated[
    str, mapped_column(String(9), Computed("substr(division_code, 1, 9)"), nullable=True, deferred=True)
]
"""First digits of the division code, kept by the database: what a township reads is found in the order of lists."""


class Household(Base):
    """A household and its permanent number (一户一号). ID numbers are sealed (AES-256-GCM) or blinded (HMAC)."""

    __tablename__ = "household"
    id: Mapped[Id] = mapped_column(primary_key=True)
    household_no: Mapped[str] = mapped_column(String(32), unique=True)
    division_code: Mapped[str] = mapped_column(String(12), index=True)
    applicant_name: Mapped[str] = mapped_column(String(100), default="")
    applicant_id_sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    applicant_id_blind: Mapped[str | None] = mapped_column(String(64), index=True)
    applicant_id_last4_blind: Mapped[str | None] = mapped_column(String(64), index=True)
    created_at: Mapped[datetime]


class CaseFile(Base):
    """One household in one programme (一户一档): orders records, owns no bytes.

    ``state`` is the whole state of the newest revision without ID numbers in clear: members, events (``[{"event",
    "on", "note"}]``), order of records. ``revision`` is the number of the newest frozen revision.
    """

    __tablename__ = "case_file"
    seq: Mapped[Serial]
    id: Mapped[Id] = mapped_column(unique=True)
    household_id: Mapped[str] = mapped_column(ForeignKey("household.id"))
    programme: Mapped[str] = mapped_column(String(16))
    title: Mapped[str] = mapped_column(String(300))
    division_code: Mapped[str] = mapped_column(String(12))
    township: Mapped[Township]
    organ_id: Mapped[str] = mapped_column(ForeignKey("organ.id"))
    opened_on: Mapped[date | None]
    stopped_on: Mapped[date | None]
    archival_code: Mapped[str | None] = mapped_column(String(80))
    state: Mapped[dict[str, Any]]
    revision: Mapped[int] = mapped_column(default=0)
    row_version: Mapped[int] = mapped_column(default=1)
    created_at: Mapped[datetime]
    __table_args__ = (
        UniqueConstraint("household_id", "programme"),
        Index(None, "division_code", "seq"),
        Index(None, "township", "seq"),
    )


class Record(Base):
    """One document with its attachments or page images (件): the unit of bag, access, retention, hold, destruction.

    ``filed``: set only when it stands in a case file, so that the few that stand in none are found by an index.
    """

    __tablename__ = "record"
    seq: Mapped[Serial]
    id: Mapped[Id] = mapped_column(unique=True)
    title: Mapped[str] = mapped_column(String(500))
    document_type: Mapped[str | None] = mapped_column(String(16), index=True)
    category: Mapped[str] = mapped_column(String(8), default="ZY")
    programme: Mapped[str | None] = mapped_column(String(16))
    year: Mapped[int | None]
    dated: Mapped[date | None]
    organ_id: Mapped[str] = mapped_column(ForeignKey("organ.id"))
    division_code: Mapped[str] = mapped_column(String(12))
    township: Mapped[Township]
    access_level: Mapped[str] = mapped_column(String(16), default="internal")
    access_marks: Mapped[list[Any]] = mapped_column(default=list)
    state: Mapped[str] = mapped_column(String(16), default="active")
    confirmed: Mapped[bool] = mapped_column(default=True)
    filed: Mapped[bool] = mapped_column(default=False, server_default=false())
    head_version: Mapped[int] = mapped_column(default=1)
    description: Mapped[dict[str, Any]]
    description_revision: Mapped[int] = mapped_column(default=0)
    submission_id: Mapped[str | None] = mapped_column(String(36), index=True)
    profile_version: Mapped[str] = mapped_column(String(80))
    row_version: Mapped[int] = mapped_column(default=1)
    created_at: Mapped[datetime]
    __table_args__ = (
        Index(None, "division_code", "seq"),
        Index(None, "township", "seq"),
        Index(None, "programme", "seq"),
        Index(None, "year", "seq"),
        Index("ix_record_tray", "seq", sqlite_where=text("filed IS 0"), postgresql_where=text("filed IS false")),
        Index(
            "ix_record_unconfirmed",
            "seq",
            sqlite_where=text("confirmed IS 0"),
            postgresql_where=text("confirmed IS false"),
        ),
    )


class CaseRecord(Base):
    """A record's place in a case file; a payment sheet stands in many."""

    __tablename__ = "case_record"
    case_file_id: Mapped[str] = mapped_column(ForeignKey("case_file.id"), primary_key=True)
    record_id: Mapped[str] = mapped_column(ForeignKey("record.id"), primary_key=True, index=True)
    position: Mapped[int]


class RecordVersion(Base):
    """One version of a record = one object (a bag as stored ZIP) on every replica."""

    __tablename__ = "record_version"
    record_id: Mapped[str] = mapped_column(ForeignKey("record.id"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    object_key: Mapped[str] = mapped_column(String(200), unique=True)
    object_sha256: Mapped[Sha256]
    object_size: Mapped[int]
    file_count: Mapped[int]
    payload_bytes: Mapped[int]
    algorithms: Mapped[list[Any]]
    created_at: Mapped[datetime]


class StoredFile(Base):
    """A payload file inside a version's object; ``offset`` is where its bytes begin in the object.

    ``text_state``, ``image_state``, ``ocr_state``: pending, done, none, failed, not_applicable; how far the derivatives
    are (text, page images, recognised text of scans). ``text_state`` is done when there is text to read, the file's own
    or recognised; ``page_count`` is set when its pages are first counted for pictures.
    """

    __tablename__ = "stored_file"
    id: Mapped[Id] = mapped_column(primary_key=True)
    record_id: Mapped[str]
    version: Mapped[int]
    position: Mapped[int]
    path: Mapped[str] = mapped_column(Text)
    original_name: Mapped[str] = mapped_column(Text)
    original_name_bytes: Mapped[str | None] = mapped_column(Text)
    size: Mapped[int]
    offset: Mapped[int]
    crc32: Mapped[int]
    digests: Mapped[dict[str, Any]]
    sha256: Mapped[str | None] = mapped_column(String(64), index=True)
    sha512: Mapped[str | None] = mapped_column(String(128), index=True)
    chunk_sha256: Mapped[bytes | None] = mapped_column(LargeBinary)
    puid: Mapped[str | None] = mapped_column(String(40), index=True)
    format_name: Mapped[str | None] = mapped_column(String(200))
    format_version: Mapped[str | None] = mapped_column(String(40))
    mime: Mapped[str | None] = mapped_column(String(200))
    text_state: Mapped[str] = mapped_column(String(16), default="pending")
    image_state: Mapped[str] = mapped_column(String(16), default="pending")
    ocr_state: Mapped[str] = mapped_column(String(16), default="pending")
    page_count: Mapped[int | None]
    __table_args__ = (
        UniqueConstraint("record_id", "version", "position"),
        Index(None, "text_state"),
        Index(None, "image_state"),
        Index(None, "ocr_state"),
    )


class RetentionAssignment(Base):
    """Which rule governs a record, since when; append-only, ``current`` marks the one in force.

    ``organ_id``: the record's organ, repeated here so that the due list of one organ is read from an index.
    """

    __tablename__ = "retention_assignment"
    seq: Mapped[Serial]
    record_id: Mapped[str] = mapped_column(ForeignKey("record.id"))
    organ_id: Mapped[str | None] = mapped_column(String(36))
    rule_id: Mapped[str] = mapped_column(String(40))
    profile_version: Mapped[str] = mapped_column(String(80))
    outcome: Mapped[str] = mapped_column(String(16))
    trigger: Mapped[str] = mapped_column(String(40))
    trigger_on: Mapped[date | None]
    due_on: Mapped[date | None] = mapped_column(index=True)
    detail: Mapped[dict[str, Any]]
    current: Mapped[bool] = mapped_column(default=True)
    assigned_at: Mapped[datetime]
    __table_args__ = (
        Index(None, "record_id", "current"),
        Index(None, "current", "due_on", "seq"),
        Index(None, "organ_id", "current", "due_on"),
        Index(None, "profile_version", "current"),
    )


class RetentionTotal(Base):
    """How many records are due in which year, counted anew from time to time so that no page counts a million rows.

    ``organ_id``, ``division_code``, ``access_level`` and ``marks`` (codes joined by commas, in order) say who may
    be told of them; ``year`` of the due day is empty for what waits or is permanent.
    """

    __tablename__ = "retention_total"
    seq: Mapped[Serial]
    organ_id: Mapped[str] = mapped_column(String(36))
    division_code: Mapped[str] = mapped_column(String(12))
    access_level: Mapped[str] = mapped_column(String(16))
    marks: Mapped[str] = mapped_column(String(400), index=True)
    rule_id: Mapped[str] = mapped_column(String(40))
    outcome: Mapped[str] = mapped_column(String(16))
    year: Mapped[int | None]
    records: Mapped[int]
