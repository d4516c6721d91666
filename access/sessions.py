"""Server-side sessions: the cookie holds a random token, the database its SHA-256.

A session ends after ``hours`` whatever happens, after an hour without a request, at sign-out, and with a new password.
"""

from __future__ import annotations

import hashlib
import secrets
from datetime import timedelta

from sqlalchemy import delete
from sqlalchemy.orm import Session

from metadata.identifiers import new_id
from repository.clock import Clock
from repository.tables import Account, LoginSession

IDLE = timedelta(hours=1)
_TOUCH = timedelta(minutes=1)  # written at most once a minute, so that reading pages seldom writes


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def open_session(session: Session, account: Account, *, clock: Clock, hours: int = 10) -> tuple[str, str]:
    """Sign ``account`` in: the token for the cookie and the CSRF token for its forms. Expired sessions are swept."""
    now = clock.now()
    session.execute(delete(LoginSession).where(LoginSession.expires_at <= now))
    session.execute(delete(LoginSession).where(LoginSession.last_seen_at <= now - IDLE))
    token, csrf = secrets.token_urlsafe(32), secrets.token_urlsafe(32)
    session.add(
        LoginSession(
            token_sha256=_digest(token),
            id=new_id(),
            account_id=account.id,
            csrf_token=csrf,
            created_at=now,
            last_seen_at=now,
            expires_at=now + timedelta(hours=hours),
        )
    )
    session.flush()
    return token, csrf


def session_of(session: Session, token: str, clock: Clock) -> LoginSession | None:
    """The session of ``token`` while it lasts and its account is open; notes that it was used."""
    found = session.get(LoginSession, _digest(token))
    now = clock.now()
    if found is None or found.expires_at <= now or found.last_seen_at + IDLE <= now:
        return None
    account = session.get(Account, found.account_id)
    if account is None or not account.active:
        return None
    if now - found.last_seen_at >= _TOUCH:
        found.last_seen_at = now
    return found


def close_session(session: Session, token: str) -> None:
    """Sign out; a token that is not known is no error."""
    session.execute(delete(LoginSession).where(LoginSession.token_sha256 == _digest(token)))
