"""Organs, accounts, roles, sessions."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from repository.tables.base import Base, Id, Serial


class Organ(Base):
    """An organisation: bureau, township, village committee. ``division_prefix`` cuts its scope.

    ``closed_at``: since when nobody works there any more; what it deposited keeps its name.
    """

    __tablename__ = "organ"
    id: Mapped[Id] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(String(32), unique=True)
    name_zh: Mapped[str] = mapped_column(String(200))
    name_en: Mapped[str] = mapped_column(String(200), default="")
    level: Mapped[str] = mapped_column(String(8))
    division_prefix: Mapped[str] = mapped_column(String(12))
    parent_id: Mapped[str | None] = mapped_column(ForeignKey("organ.id"))
    closed_at: Mapped[datetime | None]
    revision: Mapped[int] = mapped_column(default=0)


class Account(Base):
    """A person who signs in. Secrets never leave this table: entity revisions leave them out.

    ``previous_visit_at``: when the visit before this one ended, for what changed since; ``preferences``: how pages
    look to her (columns, size of type), never what she may do.
    """

    __tablename__ = "account"
    id: Mapped[Id] = mapped_column(primary_key=True)
    username: Mapped[str] = mapped_column(String(64), unique=True)
    display_name: Mapped[str] = mapped_column(String(100))
    organ_id: Mapped[str] = mapped_column(ForeignKey("organ.id"))
    password_hash: Mapped[str | None] = mapped_column(Text)
    active: Mapped[bool] = mapped_column(default=True)
    must_change_password: Mapped[bool] = mapped_column(default=False)
    failed_attempts: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime]
    last_seen_at: Mapped[datetime | None]
    previous_visit_at: Mapped[datetime | None]
    password_changed_at: Mapped[datetime | None]
    waiting_half: Mapped[str | None] = mapped_column(String(200))
    past_passwords: Mapped[list[Any]] = mapped_column(default=list)
    preferences: Mapped[dict[str, Any]] = mapped_column(default=dict)
    row_version: Mapped[int] = mapped_column(default=1)
    revision: Mapped[int] = mapped_column(default=0)


class AccountRole(Base):
    """A role that an account holds in an organ, from a day, until a day."""

    __tablename__ = "account_role"
    seq: Mapped[Serial]
    account_id: Mapped[str] = mapped_column(ForeignKey("account.id"), index=True)
    organ_id: Mapped[str] = mapped_column(ForeignKey("organ.id"))
    role: Mapped[str] = mapped_column(String(40))
    starts_on: Mapped[date | None]
    ends_on: Mapped[date | None]


class LoginSession(Base):
    """A signed-in browser; the cookie's token is stored only as its SHA-256.

    ``id`` names it in lists; ``device``: what kind of browser, as far as it says so.
    """

    __tablename__ = "login_session"
    token_sha256: Mapped[str] = mapped_column(String(64), primary_key=True)
    id: Mapped[Id] = mapped_column(unique=True)
    device: Mapped[str] = mapped_column(String(100), default="")
    account_id: Mapped[str] = mapped_column(ForeignKey("account.id"))
    csrf_token: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[datetime]
    last_seen_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    preferences: Mapped[dict[str, Any]] = mapped_column(default=dict)
    __table_args__ = (Index(None, "account_id"), Index(None, "expires_at"))


class ApiToken(Base):
    """A token with which a program of an organ acts as an account; only its SHA-256 is kept.

    ``permissions``: what the token may do at most, a part of what the account may; an empty list: everything.
    """

    __tablename__ = "api_token"
    id: Mapped[Id] = mapped_column(primary_key=True)
    account_id: Mapped[str] = mapped_column(ForeignKey("account.id"), index=True)
    label: Mapped[str] = mapped_column(String(100))
    token_sha256: Mapped[str] = mapped_column(String(64), unique=True)
    permissions: Mapped[list[Any]] = mapped_column(default=list)
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    last_used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
