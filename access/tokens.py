"""Tokens with which a program acts as an account: shown once, kept as their SHA-256, ended by date or by a person.

A token is ``lantai_`` and 256 random bits. It may do what its account may, at most what it was narrowed to, and never
more than the account's roles permit at the moment of use. Creating and revoking stand in the ledger with ids only.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, or_, select
from sqlalchemy.orm import Session

from access.accounts import account_by_name
from access.actors import Actor, actor_of
from access.gate import allowed
from access.organs import within_reach
from access.permits import Permits, epoch_of
from metadata import idcard
from metadata.errors import Forbidden, Invalid, NotFound
from metadata.identifiers import new_id
from metadata.profile import Profile
from metadata.rights import Permission
from repository.archive import Archive
from repository.clock import local_date
from repository.ledger import acts
from repository.tables import Account, ApiToken, Organ

PREFIX = "lantai_"
DAYS = 365
"""How long a token lasts unless said otherwise."""
MOST_DAYS = 3650
_TOUCH = timedelta(minutes=1)  # use is noted at most once a minute, so that reading seldom writes
_LABEL = 100


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "backslashreplace")).hexdigest()


def create_token(
    session: Session,
    *,
    archive: Archive,
    actor: Actor,
    label: str,
    username: str | None = None,
    days: int = DAYS,
    permissions: Sequence[str] = (),
) -> tuple[ApiToken, str]:
    """A new token for the account ``username`` (the actor's own without one), and its text, which is told this once.

    Only the console makes tokens for others. ``Invalid``: ``token.label``, ``token.days``, ``token.permissions`` for a
    permission that the account does not have now; ``Forbidden`` for another's account, or an actor that is a token.
    """
    account = _account(session, actor, username)
    _check(label, days)
    _check_permissions(session, archive, account, permissions)
    text = PREFIX + secrets.token_urlsafe(32)
    now = archive.clock.now()
    made = ApiToken(
        id=new_id(),
        account_id=account.id,
        label=label.strip(),
        token_sha256=_digest(text),
        permissions=sorted(set(permissions)),
        created_at=now,
        expires_at=now + timedelta(days=days),
    )
    session.add(made)
    session.flush()
    acts.token_created(
        session,
        at=now,
        actor=actor.ref,
        token_id=made.id,
        account_id=account.id,
        permissions=made.permissions,
    )
    return made, text


def _account(session: Session, actor: Actor, username: str | None) -> Account:
    if actor.kind == "console" and username is not None:
        account = account_by_name(session, username)
        if not account.active:
            raise Invalid(
                "token.account_closed",
                zh="帐号已停用，不能建立令牌。请选用在用的帐号。",
                en="The account is closed and gets no token. Choose one that is in use.",
            )
        return account
    own = session.get(Account, actor.id)
    if own is None or not own.active or (username is not None and account_by_name(session, username).id != own.id):
        raise Forbidden(
            "token.of_another",
            zh="只能为自己的帐号建立令牌。",
            en="You may only make tokens for your own account.",
        )
    return own


def _check(label: str, days: int) -> None:
    named = label.strip()
    if not named or len(named) > _LABEL or next(iter(idcard.find_all(named)), None) is not None:
        raise Invalid(
            "token.label",
            zh="请写明令牌用在哪里（1 至 100 字，不能含身份证号码），例如“扫描仪电脑”。",
            en="Say what the token is for (1 to 100 characters, no ID number), for example “scanner PC”.",
        )
    if not 1 <= days <= MOST_DAYS:
        raise Invalid(
            "token.days",
            zh=f"有效期须为 1 至 {MOST_DAYS} 天。",
            en=f"A token lasts 1 to {MOST_DAYS} days.",
        )


def _check_permissions(session: Session, archive: Archive, account: Account, permissions: Sequence[str]) -> None:
    today = local_date(archive.clock.now(), archive.zone)
    known = {one.value: one for one in Permission}
    person = actor_of(session, account, archive.profile, today)
    wrong = [one for one in permissions if one not in known or not allowed(person, known[one], archive.profile)]
    if wrong:
        raise Invalid(
            "token.permissions",
            zh=f"该帐号没有这些权限：{'、'.join(wrong)}。令牌只能缩小帐号已有的权限。",
            en=f"The account does not have: {', '.join(wrong)}. A token can only narrow what its account may do.",
            permissions=wrong,
        )


def tokens(
    session: Session,
    *,
    account_id: str | None = None,
    reach: tuple[Actor, Profile] | None = None,
    after: str = "",
    limit: int = 500,
) -> list[tuple[ApiToken, Account]]:
    """Tokens with their accounts, newest first, after the one with the id ``after``.

    Of one account, of those that an actor keeps (``reach``), or of all: asking whether she may is the caller's part.
    """
    wanted = select(ApiToken, Account).join(Account, Account.id == ApiToken.account_id)
    if account_id is not None:
        wanted = wanted.where(ApiToken.account_id == account_id)
    if reach is not None:
        wanted = wanted.join(Organ, Organ.id == Account.organ_id).where(
            within_reach(reach[0], Permission.ACCOUNT_WRITE, reach[1])
        )
    last = session.scalar(select(ApiToken.created_at).where(ApiToken.id == after)) if after else None
    if last is not None:
        wanted = wanted.where(or_(ApiToken.created_at < last, and_(ApiToken.created_at == last, ApiToken.id > after)))
    found: Any = session.execute(wanted.order_by(ApiToken.created_at.desc(), ApiToken.id).limit(limit)).tuples()
    return list(found)


def may_see_all(actor: Actor, archive: Archive) -> bool:
    """Whether ``actor`` sees and revokes everybody's tokens: the console, and whoever keeps the accounts."""
    return actor.kind == "console" or allowed(actor, Permission.ACCOUNT_WRITE, archive.profile)


def revoke_token(session: Session, *, archive: Archive, actor: Actor, token_id: str) -> ApiToken:
    """End a token at once: her own, or anybody's for those who keep the accounts. Harmless when repeated.

    ``NotFound`` (``token.not_found``) whether it is not there or not hers.
    """
    wanted = (
        select(ApiToken)
        .join(Account, Account.id == ApiToken.account_id)
        .join(Organ, Organ.id == Account.organ_id)
        .where(ApiToken.id == token_id)
    )
    hers: ColumnElement[bool] = Account.id == actor.id
    if may_see_all(actor, archive):
        hers = or_(hers, within_reach(actor, Permission.ACCOUNT_WRITE, archive.profile))
    wanted = wanted.where(hers)
    found = session.scalars(wanted).one_or_none()
    if found is None:
        raise NotFound(
            "token.not_found",
            zh="没有这个令牌，或者它不属于您。请核对编号。",
            en="There is no such token, or it is not yours. Check its number.",
        )
    if found.revoked_at is None:
        found.revoked_at = archive.clock.now()
        acts.token_revoked(
            session, at=found.revoked_at, actor=actor.ref, token_id=found.id, account_id=found.account_id
        )
    return found


def bearer(session: Session, *, archive: Archive, permits: Permits, text: str) -> tuple[Account, Actor, str | None]:
    """Who acts with the token ``text``: the account, its actor as narrowed, and the token's id when use is to be noted.

    The database is asked for the SHA-256, so that the time it takes tells nothing about a token. ``Forbidden``:
    ``token.unknown``, ``token.expired``, ``token.revoked``, ``token.account_closed``.
    """
    now = archive.clock.now()
    row = session.execute(
        select(ApiToken, Account, epoch_of(ApiToken.account_id))
        .join(Account, Account.id == ApiToken.account_id)
        .where(ApiToken.token_sha256 == _digest(text))
    ).one_or_none()
    if row is None:
        raise Forbidden(
            "token.unknown",
            zh="访问令牌不正确。请核对令牌，或让帐号所有人重新建立。",
            en="The access token is not known. Check it, or have the account's owner make a new one.",
        )
    found, account, epoch = row
    if found.revoked_at is not None:
        raise Forbidden(
            "token.revoked",
            zh="访问令牌已被撤销。请让帐号所有人重新建立。",
            en="The access token was revoked. Have the account's owner make a new one.",
        )
    if found.expires_at <= now:
        raise Forbidden(
            "token.expired",
            zh="访问令牌已过期。请让帐号所有人重新建立。",
            en="The access token has expired. Have the account's owner make a new one.",
        )
    if not account.active:
        raise Forbidden(
            "token.account_closed",
            zh="令牌所属帐号已停用。",
            en="The account of this token is closed.",
        )
    only = frozenset(found.permissions) if found.permissions else None
    actor = permits.actor(session, archive=archive, account=account, epoch=epoch, only=only)
    stale = found.last_used_at is None or now - found.last_used_at >= _TOUCH
    return account, actor, found.id if stale else None


def note_use(session: Session, *, archive: Archive, token_id: str) -> None:
    """Write down that a token was used now."""
    found = session.get(ApiToken, token_id)
    if found is not None:
        found.last_used_at = archive.clock.now()
