"""The ledger: entries written in the transaction of the act, ordered later into sealed blocks."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, LargeBinary, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from repository.tables.base import Base, Serial, Sha256

_OF_A_REQUEST = text("request_id IS NOT NULL")
_OF_AN_ACCOUNT = text("account_id IS NOT NULL")
_A_LOOK = text("form IS NOT NULL")


class LedgerEntry(Base):
    """One act or look. ``body`` is the canonical JSON line that will stand in a block; never updated.

    The other columns repeat what stands in it, to find it again. ``request_id`` and ``form`` are seldom given outside
    the use register, ``account_id`` (whom an act concerns, not who acted) not in it: their indexes hold only what has them.
    """

    __tablename__ = "ledger_entry"
    seq: Mapped[Serial]
    id: Mapped[str] = mapped_column(String(36), unique=True)
    stream: Mapped[str] = mapped_column(String(8))
    at: Mapped[datetime]
    act: Mapped[str] = mapped_column(String(48))
    actor_id: Mapped[str] = mapped_column(String(80))
    organ_id: Mapped[str | None] = mapped_column(String(36))
    record_id: Mapped[str | None] = mapped_column(String(36))
    case_file_id: Mapped[str | None] = mapped_column(String(36))
    submission_id: Mapped[str | None] = mapped_column(String(36))
    request_id: Mapped[str | None] = mapped_column(String(36))
    form: Mapped[str | None] = mapped_column(String(16))
    account_id: Mapped[str | None] = mapped_column(String(80))
    body: Mapped[str] = mapped_column(Text)
    __table_args__ = (
        Index(None, "stream", "seq"),
        Index(None, "stream", "at"),
        Index(None, "organ_id", "seq"),
        Index(None, "record_id", "seq"),
        Index(None, "case_file_id", "seq"),
        Index(None, "actor_id", "seq"),
        Index(None, "submission_id", "seq"),
        Index(None, "request_id", "seq", sqlite_where=_OF_A_REQUEST, postgresql_where=_OF_A_REQUEST),
        Index(None, "account_id", "seq", sqlite_where=_OF_AN_ACCOUNT, postgresql_where=_OF_AN_ACCOUNT),
        Index(None, "form", "seq", sqlite_where=_A_LOOK, postgresql_where=_A_LOOK),
        Index(None, "act", "seq", sqlite_where=_A_LOOK, postgresql_where=_A_LOOK),
    )


class LedgerPending(Base):
    """An entry no block holds yet; removed in the transaction that freezes the block."""

    __tablename__ = "ledger_pending"
    entry_seq: Mapped[int] = mapped_column(ForeignKey("ledger_entry.seq"), primary_key=True, autoincrement=False)
    stream: Mapped[str] = mapped_column(String(8), index=True)


class LedgerBlock(Base):
    """A sealed block with its exact bytes, kept before any store sees them."""

    __tablename__ = "ledger_block"
    stream: Mapped[str] = mapped_column(String(8), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    key: Mapped[str] = mapped_column(String(200), unique=True)
    entries: Mapped[int]
    sha256: Mapped[Sha256]
    merkle_root: Mapped[Sha256]
    body: Mapped[bytes] = mapped_column(LargeBinary)
    sealed_at: Mapped[datetime]
