"""Totals by month, counted anew from time to time so that no page counts a million rows."""

from __future__ import annotations

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from repository.tables.base import Base, Big, Serial


class HoldingTotal(Base):
    """How many active records, files and bytes came into the holdings in a month (UTC).

    ``division_code``, ``access_level`` and ``marks`` (codes joined by commas, in order) say who may be told of them;
    ``programme`` is empty for records of none.
    """

    __tablename__ = "holding_total"
    seq: Mapped[Serial]
    division_code: Mapped[str] = mapped_column(String(12))
    access_level: Mapped[str] = mapped_column(String(16))
    marks: Mapped[str] = mapped_column(String(400), index=True)
    programme: Mapped[str] = mapped_column(String(16))
    year: Mapped[int]
    month: Mapped[int]
    records: Mapped[int]
    files: Mapped[int]
    payload_bytes: Mapped[int] = mapped_column(Big)


class FindingTotal(Base):
    """How many findings of a code the examination of an organ's deposits made in a month (UTC)."""

    __tablename__ = "finding_total"
    seq: Mapped[Serial]
    organ_id: Mapped[str] = mapped_column(String(36))
    severity: Mapped[str] = mapped_column(String(8))
    code: Mapped[str] = mapped_column(String(60))
    year: Mapped[int]
    month: Mapped[int]
    findings: Mapped[int]
