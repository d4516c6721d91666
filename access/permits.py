"""What signed-in people may do, kept in the process for as long as nothing that it rests on has changed.

An actor, with all that is worked out from her roles and grants, is kept until her permission epoch moves
(``access.epochs``) or the next of her roles or grants begins or ends, whichever comes first. Epochs stand in the
database, so a right that is taken away is gone at the next request of every process. They are read together with the
session or token: one small query a request.
"""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from dataclasses import dataclass, replace
from datetime import date, datetime, time
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, bindparam, func, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from access.actors import Actor, actor_of
from access.epochs import EVERYBODY
from access.sessions import session_of
from metadata.profile import Profile
from repository.archive import Archive
from repository.clock import local_date
from repository.tables import AccessGrant, Account, AccountRole, LoginSession, PermissionEpoch

MOST = 2000
"""Actors kept at most; the one that was asked for longest ago makes room."""


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A session in force and who holds it; ``unnoted``: its use is to be written down (``access.sessions.session_of``)."""

    account: Account
    login: LoginSession
    actor: Actor
    unnoted: bool


@dataclass(frozen=True, slots=True)
class _Permit:
    epoch: int
    profile: Profile
    since: datetime
    until: datetime | None
    actor: Actor


class Permits:
    """The actors known to this process. One for a site; safe to use from several threads."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._known: OrderedDict[tuple[str, frozenset[str] | None], _Permit] = OrderedDict()

    def __len__(self) -> int:
        return len(self._known)

    def signed_in(self, session: Session, *, archive: Archive, token: str) -> SignedIn | None:
        """Who holds the session of ``token``, or None when it has ended or the account is closed; one query.

        ``session`` only reads: that the session was used is noted by the caller. The epoch is read first, so what is kept
        with it is never older.
        """
        digest = hashlib.sha256(token.encode("utf-8", "backslashreplace")).hexdigest()
        row = session.execute(_SIGNED_IN, {"digest": digest}).one_or_none()
        if row is None:
            return None
        _, account, epoch = row
        with session.no_autoflush:
            login = session_of(session, token, archive.clock)  # both rows are loaded: it asks for nothing more
            if login is None:
                return None
            actor = self.actor(session, archive=archive, account=account, epoch=epoch)
            return SignedIn(account, login, actor, login in session.dirty)

    def actor(
        self, session: Session, *, archive: Archive, account: Account, epoch: int, only: frozenset[str] | None = None
    ) -> Actor:
        """``account`` with what it may do now, narrowed to ``only``; ``epoch`` was read no later than now."""
        key, now = (account.id, only), archive.clock.now()
        with self._lock:
            known = self._known.get(key)
            if known is not None and _holds(known, account, archive.profile, epoch, now):
                self._known.move_to_end(key)
                return known.actor
        today = local_date(now, archive.zone)
        made = actor_of(session, account, archive.profile, today, now)
        if only is not None:
            made = replace(made, only=only)
        until = _next_change(session, account.id, today, now, archive.zone)
        with self._lock:
            self._known[key] = _Permit(epoch, archive.profile, now, until, made)
            self._known.move_to_end(key)
            while len(self._known) > self._most:
                self._known.popitem(last=False)
        return made


def _holds(known: _Permit, account: Account, profile: Profile, epoch: int, now: datetime) -> bool:
    return (
        known.epoch == epoch
        and known.profile is profile
        and known.since <= now
        and (known.until is None or now < known.until)
        and (known.actor.name, known.actor.organ_id) == (account.display_name, account.organ_id)
    )


def epoch_of(account_id: InstrumentedAttribute[str]) -> ColumnElement[int]:
    """The epoch of the account in ``account_id``, and everybody's, as a column of a query on it."""
    wanted = select(func.coalesce(func.sum(PermissionEpoch.value), 0)).where(
        PermissionEpoch.scope.in_((account_id, EVERYBODY))
    )
    return wanted.scalar_subquery()


_SIGNED_IN = (
    select(LoginSession, Account, epoch_of(LoginSession.account_id))
    .join(Account, Account.id == LoginSession.account_id)
    .where(LoginSession.token_sha256 == bindparam("digest"))
)


def _next_change(session: Session, account_id: str, today: date, now: datetime, zone: str) -> datetime | None:
    """When the next of the account's roles or grants begins or ends; roles do so at midnight of the bureau's zone."""
    roles = [
        session.scalar(select(func.min(column)).where(AccountRole.account_id == account_id, column > today))
        for column in (AccountRole.starts_on, AccountRole.ends_on)
    ]
    grants = [
        session.scalar(
            select(func.min(column)).where(
                AccessGrant.account_id == account_id, column > now, AccessGrant.revoked_at.is_(None)
            )
        )
        for column in (AccessGrant.starts_at, AccessGrant.ends_at)
    ]
    days = [datetime.combine(day, time(), ZoneInfo(zone)) for day in roles if day is not None]
    return min([*days, *(moment for moment in grants if moment is not None)], default=None)
