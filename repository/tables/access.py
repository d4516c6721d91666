"""Requests for access, the grants that come of them, holds, alarms, saved searches."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from repository.tables.base import Base, Id, Serial


class AccessRequest(Base):
    """Somebody who lacks a right asks for it (借阅申请).

    ``state``: drafted, submitted, questioned, approved, refused, withdrawn, closed, revoked. ``wanted``: what the asker
    named, in her words (``{"kind": "records" | "household" | "search", ...}``); what that means in the holdings stands
    in ``RequestSubject`` and is not shown to her before the decision. ``decision``: whole, part, refused. ``form``:
    screen or copy; ``numbers``: masked or full. ``details``: what the kind of requester must bring (legal basis, case
    reference, officers ...); ``letter_id``: the entity that holds the letter's bytes. ``approver_role`` and
    ``approver_division``: who decides, as the profile's rule named it at submission. ``told``: the conversation,
    ``[{"at", "actor_id", "act", "words"}]``.
    """

    __tablename__ = "access_request"
    seq: Mapped[Serial]
    id: Mapped[Id] = mapped_column(unique=True)
    number: Mapped[str] = mapped_column(String(16), unique=True)
    account_id: Mapped[str] = mapped_column(ForeignKey("account.id"))
    organ_id: Mapped[str] = mapped_column(ForeignKey("organ.id"))
    requester: Mapped[str] = mapped_column(String(48))
    purpose: Mapped[str] = mapped_column(String(48))
    purpose_text: Mapped[str] = mapped_column(Text, default="")
    form: Mapped[str] = mapped_column(String(16), default="screen")
    numbers: Mapped[str] = mapped_column(String(16), default="masked")
    days: Mapped[int]
    wanted: Mapped[dict[str, Any]]
    details: Mapped[dict[str, Any]] = mapped_column(default=dict)
    letter_id: Mapped[str | None] = mapped_column(String(36))
    renews: Mapped[str | None] = mapped_column(String(36))
    approver_role: Mapped[str | None] = mapped_column(String(48))
    approver_division: Mapped[str] = mapped_column(String(12), default="")
    state: Mapped[str] = mapped_column(String(16))
    decision: Mapped[str | None] = mapped_column(String(16))
    refuse_reason: Mapped[str | None] = mapped_column(String(48))
    decided_by: Mapped[str | None] = mapped_column(String(80))
    decided_at: Mapped[datetime | None]
    told: Mapped[list[Any]] = mapped_column(default=list)
    idempotency_key: Mapped[str | None] = mapped_column(String(200), unique=True)
    row_version: Mapped[int] = mapped_column(default=1)
    revision: Mapped[int] = mapped_column(default=0)
    profile_version: Mapped[str] = mapped_column(String(80))
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    submitted_at: Mapped[datetime | None]
    __table_args__ = (Index(None, "account_id", "seq"), Index(None, "state", "seq"))


class RequestSubject(Base):
    """A record or case file that a request means; ``granted`` is set by the decision.

    ``kind``: record, case_file. Rows of a request that waits let its approver look at what is put before her.
    """

    __tablename__ = "request_subject"
    request_id: Mapped[str] = mapped_column(ForeignKey("access_request.id"), primary_key=True)
    kind: Mapped[str] = mapped_column(String(16), primary_key=True)
    subject_id: Mapped[str] = mapped_column(String(36), primary_key=True)
    granted: Mapped[bool] = mapped_column(default=False)
    __table_args__ = (Index(None, "subject_id"),)


class AccessGrant(Base):
    """A right to named records, ending by itself: from ``starts_at`` until before ``ends_at``, unless ``revoked_at``.

    ``permissions``: values of ``metadata.rights.Permission`` that hold for the records and case files named in
    ``GrantSubject``, whatever their division, as far as a role of the account permits them on a grant; level and marks
    of the record count all the same.
    """

    __tablename__ = "access_grant"
    seq: Mapped[Serial]
    id: Mapped[Id] = mapped_column(unique=True)
    request_id: Mapped[str] = mapped_column(ForeignKey("access_request.id"), index=True)
    account_id: Mapped[str] = mapped_column(ForeignKey("account.id"))
    permissions: Mapped[list[Any]]
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    renewals: Mapped[int] = mapped_column(default=0)
    reminded_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
    revoked_by: Mapped[str | None] = mapped_column(String(80))
    revoke_reason: Mapped[str] = mapped_column(Text, default="")
    revision: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime]
    __table_args__ = (Index(None, "account_id", "ends_at"), Index(None, "ends_at"))


class GrantSubject(Base):
    """A record or case file that a grant names (``kind``: record, case_file)."""

    __tablename__ = "grant_subject"
    grant_id: Mapped[str] = mapped_column(ForeignKey("access_grant.id"), primary_key=True)
    kind: Mapped[str] = mapped_column(String(16), primary_key=True)
    subject_id: Mapped[str] = mapped_column(String(36), primary_key=True)
    __table_args__ = (Index(None, "subject_id"),)


class PermissionEpoch(Base):
    """Counts up whenever what an account may do has changed; ``scope``: an account's id, or ``*`` for everybody."""

    __tablename__ = "permission_epoch"
    scope: Mapped[str] = mapped_column(String(80), primary_key=True)
    value: Mapped[int] = mapped_column(default=0)


class Hold(Base):
    """A hold (冻结): its records are not appraised, transferred or destroyed while it stands.

    ``lift_entry``: the id of the ledger entry of its lifting, which takes effect when that entry is sealed.
    """

    __tablename__ = "hold"
    seq: Mapped[Serial]
    id: Mapped[Id] = mapped_column(unique=True)
    title: Mapped[str] = mapped_column(String(200))
    authority: Mapped[str] = mapped_column(String(200))
    reference: Mapped[str] = mapped_column(String(200), default="")
    reason: Mapped[str] = mapped_column(Text)
    review_on: Mapped[date | None]
    placed_by: Mapped[str] = mapped_column(String(80))
    placed_at: Mapped[datetime]
    lifted_by: Mapped[str | None] = mapped_column(String(80))
    lifted_at: Mapped[datetime | None]
    lift_authority: Mapped[str] = mapped_column(String(200), default="")
    lift_reason: Mapped[str] = mapped_column(Text, default="")
    lift_entry: Mapped[str | None] = mapped_column(String(36))
    row_version: Mapped[int] = mapped_column(default=1)
    revision: Mapped[int] = mapped_column(default=0)


class HoldSubject(Base):
    """A record or case file under a hold (``kind``: record, case_file); a case file's later records are held too."""

    __tablename__ = "hold_subject"
    hold_id: Mapped[str] = mapped_column(ForeignKey("hold.id"), primary_key=True)
    kind: Mapped[str] = mapped_column(String(16), primary_key=True)
    subject_id: Mapped[str] = mapped_column(String(36), primary_key=True)
    __table_args__ = (Index(None, "subject_id"),)


class Alarm(Base):
    """Something that a person must look at, and what became of it; ``repository.alarms`` has the kinds.

    ``subject``: about what or whom (an account, a replica, a part of the site). ``open_as``: kind and subject while the
    alarm is not closed, so that one thing has one open alarm. ``state``: open, handling, closed. ``window``: the hour or
    day that a count speaks of. ``detail``: counts, codes and sentences, never personal values. ``times`` and
    ``last_at``: how often it was found, and when last; ``over_at``: since when it is over. ``told``: every step,
    ``[{"at", "actor_id", "step", "words"}]``.
    """

    __tablename__ = "alarm"
    seq: Mapped[Serial]
    id: Mapped[Id] = mapped_column(unique=True)
    kind: Mapped[str] = mapped_column(String(24))
    subject: Mapped[str] = mapped_column(String(80))
    open_as: Mapped[str | None] = mapped_column(String(120), unique=True)
    state: Mapped[str] = mapped_column(String(16), default="open")
    window: Mapped[str] = mapped_column(String(24))
    detail: Mapped[dict[str, Any]] = mapped_column(default=dict)
    times: Mapped[int] = mapped_column(default=1)
    raised_at: Mapped[datetime]
    last_at: Mapped[datetime]
    over_at: Mapped[datetime | None]
    taken_at: Mapped[datetime | None]
    taken_by: Mapped[str | None] = mapped_column(String(80))
    closed_at: Mapped[datetime | None]
    closed_by: Mapped[str | None] = mapped_column(String(80))
    remark: Mapped[str] = mapped_column(Text, default="")
    told: Mapped[list[Any]] = mapped_column(default=list)
    revision: Mapped[int] = mapped_column(default=0)
    __table_args__ = (Index(None, "kind", "subject", "window"), Index(None, "state", "seq"))


class UseCount(Base):
    """How much somebody has looked at or taken out in one hour or day, so that no look has to count the others.

    ``kind``: as of ``Alarm``. ``amount`` counts acts, ``rows`` the rows of lists among them; ``subject`` is what the
    last act was about, because turning the pages of one record is one look at it. Derived: a rebuild begins anew.
    """

    __tablename__ = "use_count"
    account_id: Mapped[str] = mapped_column(String(80), primary_key=True)
    kind: Mapped[str] = mapped_column(String(24), primary_key=True)
    window: Mapped[str] = mapped_column(String(24), primary_key=True)
    amount: Mapped[int]
    rows: Mapped[int]
    subject: Mapped[str] = mapped_column(String(36))
    at: Mapped[datetime]


class SavedSearch(Base):
    """A search that a person keeps; ``query`` is the query string of the page."""

    __tablename__ = "saved_search"
    seq: Mapped[Serial]
    id: Mapped[Id] = mapped_column(unique=True)
    account_id: Mapped[str] = mapped_column(ForeignKey("account.id"), index=True)
    name: Mapped[str] = mapped_column(String(100))
    query: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime]
