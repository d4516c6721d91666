"""Server-side sessions: the cookie holds a random token, the database its SHA-256.

Every sign-in makes a new token, so none that was there before is worth anything (session fixation). A session ends after ``hours`` whatever happens, after an hour without a request, at sign-out, and with a new password.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from datetime import timedelta

from sqlalchemy import ColumnElement, and_, delete, false, or_, select
from sqlalchemy.orm import Session

from access.actors import Actor
from access.gate import allowed
from access.organs import within_reach
from metadata.errors import NotFound
from metadata.identifiers import new_id
from metadata.rights import Permission
from repository.archive import Archive
from repository.clock import Clock
from repository.ledger import access_acts, acts
from repository.ledger.acts import ActorRef
from repository.tables import Account, ApiToken, LoginSession, Organ

IDLE = timedelta(hours=1)
_TOUCH = timedelta(minutes=1)  # written at most once a minute, so that reading pages seldom writes
_BROWSERS = (
    ("MicroMessenger", "WeChat"),
    ("360SE|360EE|QIHU", "360"),
    ("QQBrowser", "QQBrowser"),
    ("Edg(?:e|A|iOS)?/", "Edge"),
    ("Firefox/", "Firefox"),
    ("Chrom(?:e|ium)/", "Chrome"),
    ("Safari/", "Safari"),
    ("^lantai/", "lantai"),
    ("python|curl|httpx|Wget", "program"),
)
_SYSTEMS = (
    ("Windows", "Windows"),
    ("HarmonyOS|OpenHarmony", "HarmonyOS"),
    ("Android", "Android"),
    ("iPhone|iPad", "iOS"),
    ("Mac OS X", "macOS"),
    ("UOS|uos", "UOS"),
    ("Kylin|kylin", "Kylin"),
    ("Linux", "Linux"),
)


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "backslashreplace")).hexdigest()


def device_named(user_agent: str) -> str:
    """``Chrome · Windows``: what a browser says it is, in words of ours only; empty when it says nothing known."""
    text = user_agent[:500]
    found = [next((name for pattern, name in names if re.search(pattern, text)), "") for names in (_BROWSERS, _SYSTEMS)]
    return " · ".join(one for one in found if one)


def open_session(
    session: Session, account: Account, *, clock: Clock, hours: int = 10, device: str = "", goes_on: bool = False
) -> tuple[str, str]:
    """Sign ``account`` in: the token for the cookie and the CSRF token for its forms. Expired sessions are swept.

    The visit before ended when her last session was last used; while another session of hers is still alive
    (or this one ``goes_on`` with a new password) the visit is the same and ``previous_visit_at`` stays.
    """
    now = clock.now()
    session.execute(delete(LoginSession).where(LoginSession.expires_at <= now))
    session.execute(delete(LoginSession).where(LoginSession.last_seen_at <= now - IDLE))
    alive = session.scalar(select(LoginSession.id).where(LoginSession.account_id == account.id).limit(1))
    if alive is None and not goes_on and account.last_seen_at is not None:
        account.previous_visit_at = account.last_seen_at
    account.last_seen_at = now
    token, csrf = secrets.token_urlsafe(32), secrets.token_urlsafe(32)
    session.add(
        LoginSession(
            token_sha256=_digest(token),
            id=new_id(),
            device=device,
            account_id=account.id,
            csrf_token=csrf,
            created_at=now,
            last_seen_at=now,
            expires_at=now + timedelta(hours=hours),
        )
    )
    own = ActorRef(account.id, "account", account.organ_id)
    access_acts.signed(session, at=now, actor=own, account_id=account.id, how="in")
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
        found.last_seen_at = account.last_seen_at = now
    return found


def close_session(session: Session, token: str, clock: Clock) -> None:
    """Sign out; a token that is not known is no error."""
    found = session.get(LoginSession, _digest(token))
    if found is None:
        return
    now = clock.now()
    account = session.get_one(Account, found.account_id)
    account.last_seen_at = now
    own = ActorRef(account.id, "account", account.organ_id)
    access_acts.signed(session, at=now, actor=own, account_id=account.id, how="out")
    session.delete(found)
    session.flush()


def sessions(
    session: Session,
    actor: Actor,
    *,
    archive: Archive,
    account_id: str | None = None,
    after: str = "",
    limit: int = 50,
) -> list[tuple[LoginSession, Account]]:
    """Sessions that last, with their accounts, newest first: one's own, or all in reach for whoever keeps the accounts.

    ``after``: the id of the last one seen; when that has ended meanwhile the list begins anew.
    """
    now = archive.clock.now()
    wanted = (
        select(LoginSession, Account)
        .join(Account, Account.id == LoginSession.account_id)
        .join(Organ, Organ.id == Account.organ_id)
        .where(
            LoginSession.expires_at > now,
            LoginSession.last_seen_at > now - IDLE,
            _theirs(actor, archive),
        )
        .order_by(LoginSession.created_at.desc(), LoginSession.id)
        .limit(limit)
    )
    if account_id is not None:
        wanted = wanted.where(LoginSession.account_id == account_id)
    last = session.scalar(select(LoginSession.created_at).where(LoginSession.id == after)) if after else None
    if last is not None:
        wanted = wanted.where(
            or_(LoginSession.created_at < last, and_(LoginSession.created_at == last, LoginSession.id > after))
        )
    return list(session.execute(wanted).tuples())


def _theirs(actor: Actor, archive: Archive) -> ColumnElement[bool]:
    """Sessions in reach. A token that was narrowed reaches none by being hers: it was given for one purpose."""
    own: ColumnElement[bool] = Account.id == actor.id if actor.only is None else false()
    if actor.kind == "console" or allowed(actor, Permission.ACCOUNT_WRITE, archive.profile):
        return or_(own, within_reach(actor, Permission.ACCOUNT_WRITE, archive.profile))
    return own


def end_session(session: Session, *, archive: Archive, actor: Actor, session_id: str) -> None:
    """End a session by its id at once: her own, or anybody's in reach for who keeps the accounts.

    ``NotFound`` (``session.not_found``) whether it is over, not there or not hers.
    """
    found = session.execute(
        select(LoginSession)
        .join(Account, Account.id == LoginSession.account_id)
        .join(Organ, Organ.id == Account.organ_id)
        .where(LoginSession.id == session_id, _theirs(actor, archive))
    ).scalar_one_or_none()
    if found is None:
        raise NotFound(
            "session.not_found",
            zh="没有这个登录会话，或者它已经结束。请刷新列表。",
            en="There is no such session, or it is over. Reload the list.",
        )
    access_acts.signed(session, at=archive.clock.now(), actor=actor.ref, account_id=found.account_id, how="ended")
    session.delete(found)
    session.flush()


def end_all(session: Session, *, archive: Archive, actor: Actor, account: Account) -> int:
    """End every session of ``account``: with a new password, when it is closed. How many there were."""
    ended = session.execute(delete(LoginSession).where(LoginSession.account_id == account.id))
    count = int(ended.rowcount)  # type: ignore[attr-defined]  # a DELETE's result is a cursor's
    if count:
        now = archive.clock.now()
        access_acts.signed(session, at=now, actor=actor.ref, account_id=account.id, how="ended")
    session.flush()
    return count


def end_ways_in(session: Session, *, archive: Archive, actor: Actor, account: Account) -> None:
    """Sessions and tokens end: whatever opened the account before opens it no longer."""
    end_all(session, archive=archive, actor=actor, account=account)
    now = archive.clock.now()
    for token in session.scalars(
        select(ApiToken).where(ApiToken.account_id == account.id, ApiToken.revoked_at.is_(None))
    ):
        token.revoked_at = now
        acts.token_revoked(session, at=now, actor=actor.ref, token_id=token.id, account_id=account.id)
    session.flush()
