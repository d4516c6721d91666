"""What the ledger records of requests, grants, holds, alarms and sessions: one keyword-only function per act.

As ``repository.ledger.acts``: ids, codes and counts, never names, words of a request or other personal values.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.orm import Session

from repository.ledger.acts import act
from repository.ledger.entry import ActorRef


def request_told(
    session: Session,
    *,
    at: datetime,
    actor: ActorRef,
    request_id: str,
    step: str,
    account_id: str,
    facts: dict[str, object] | None = None,
) -> str:
    """A step of a request: ``submitted``, ``questioned``, ``answered``, ``decided``, ``withdrawn``, ``closed``, ``revoked``."""
    return act(session, f"request.{step}", at, actor, request_id=request_id, account_id=account_id, **(facts or {}))


def grant_made(
    session: Session,
    *,
    at: datetime,
    actor: ActorRef,
    grant_id: str,
    request_id: str,
    account_id: str,
    permissions: Sequence[str],
    records: int,
    case_files: int,
    ends_at: str,
) -> str:
    """An account may look at named records until a moment."""
    return act(
        session,
        "grant.made",
        at,
        actor,
        grant_id=grant_id,
        request_id=request_id,
        account_id=account_id,
        permissions=list(permissions),
        records=records,
        case_files=case_files,
        ends_at=ends_at,
    )


def grant_changed(
    session: Session, *, at: datetime, actor: ActorRef, grant_id: str, request_id: str, account_id: str, change: str
) -> str:
    """A grant was ``renewed``, ``revoked`` or has ``ended``."""
    return act(session, f"grant.{change}", at, actor, grant_id=grant_id, request_id=request_id, account_id=account_id)


def hold_placed(session: Session, *, at: datetime, actor: ActorRef, hold_id: str, records: int, case_files: int) -> str:
    """Records were put on hold."""
    return act(session, "hold.placed", at, actor, hold_id=hold_id, records=records, case_files=case_files)


def hold_reviewed(session: Session, *, at: datetime, actor: ActorRef, hold_id: str) -> str:
    """A hold was looked at and stands; the day it is looked at again was set."""
    return act(session, "hold.reviewed", at, actor, hold_id=hold_id)


def hold_lifted(session: Session, *, at: datetime, actor: ActorRef, hold_id: str) -> str:
    """A hold is to end; it does when this entry is sealed."""
    return act(session, "hold.lifted", at, actor, hold_id=hold_id)


def alarm_told(
    session: Session,
    *,
    at: datetime,
    actor: ActorRef,
    alarm_id: str,
    step: str,
    kind: str,
    subject: str,
    account_id: str | None = None,
) -> str:
    """A step of an alarm: ``raised``, ``taken``, ``noted``, ``over`` (by itself), ``again`` or ``closed``.

    ``account_id``: whom it is about, where it is about somebody.
    """
    facts = {"account_id": account_id} if account_id else {}
    return act(session, f"alarm.{step}", at, actor, alarm_id=alarm_id, kind=kind, subject=subject, **facts)


def signed(session: Session, *, at: datetime, actor: ActorRef, account_id: str, how: str) -> str:
    """A session: ``in``, ``out``, ``ended`` (by somebody else or a new password), ``refused`` (wrong password)."""
    return act(session, f"session.{how}", at, actor, account_id=account_id)


def organ_changed(session: Session, *, at: datetime, actor: ActorRef, organ_id: str, change: str) -> str:
    """An organ was ``renamed``, ``moved``, ``closed`` or ``reopened``."""
    return act(session, f"organ.{change}", at, actor, organ_id=organ_id)


def account_changed(session: Session, *, at: datetime, actor: ActorRef, account_id: str, change: str) -> str:
    """An account was ``changed`` (name or organ), ``reopened``, or got the second half of its ``password_handed``."""
    return act(session, f"account.{change}", at, actor, account_id=account_id)
