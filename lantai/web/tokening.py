"""Access tokens as pages and API show them; both share what they do with them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from access import tokens
from access.gate import require
from lantai.web.visit import Visit
from metadata.errors import Forbidden
from metadata.rights import Permission
from repository.tables import Account, ApiToken


@dataclass(frozen=True, slots=True)
class TokenLine:
    """One token, without its text; ``state``: live, expired, revoked."""

    id: str
    username: str
    label: str
    permissions: list[str]
    state: str
    created_at: datetime
    expires_at: datetime
    last_used_at: datetime | None


def _line(token: ApiToken, account: Account, now: datetime) -> TokenLine:
    state = "revoked" if token.revoked_at else "expired" if token.expires_at <= now else "live"
    return TokenLine(
        id=token.id,
        username=account.username,
        label=token.label,
        permissions=list(token.permissions),
        state=state,
        created_at=token.created_at,
        expires_at=token.expires_at,
        last_used_at=token.last_used_at,
    )


def _whole(visit: Visit) -> None:
    """A narrowed token keeps no tokens: with what it was given for one purpose nobody ends the others."""
    if visit.person.only is not None and not visit.may(Permission.ACCOUNT_WRITE):
        raise Forbidden(
            "token.narrowed",
            zh="限定用途的令牌不能查看或撤销令牌。请登录后在“访问令牌”页面办理。",
            en="A token with narrowed permissions neither lists nor revokes tokens. Sign in and use the page “Access tokens”.",
        )


def listed(visit: Visit, *, everybody: bool = False) -> list[TokenLine]:
    """The person's tokens, newest first; ``everybody``: all, for those who keep the accounts."""
    archive = visit.site.archive
    _whole(visit)
    if everybody:
        require(visit.person, Permission.ACCOUNT_WRITE, archive.profile)
    with visit.reading() as session:
        found = (
            tokens.tokens(session, reach=(visit.person, archive.profile))
            if everybody
            else tokens.tokens(session, account_id=visit.person.id)
        )
        return [_line(token, account, archive.clock.now()) for token, account in found]


def of_account(session: Session, visit: Visit, account_id: str) -> list[TokenLine]:
    """Tokens of an account that the administrator keeps; the caller has asked its reach."""
    require(visit.person, Permission.ACCOUNT_WRITE, visit.site.archive.profile)
    now = visit.site.archive.clock.now()
    return [_line(token, account, now) for token, account in tokens.tokens(session, account_id=account_id)]


def create(visit: Visit, *, label: str, days: int, permissions: Sequence[str]) -> tuple[TokenLine, str]:
    """A new token of the person signed in, and its text."""
    archive = visit.site.archive
    with visit.writing() as session:
        token, text = tokens.create_token(
            session, archive=archive, actor=visit.person, label=label, days=days, permissions=permissions
        )
        return _line(token, session.get_one(Account, token.account_id), archive.clock.now()), text


def revoke(visit: Visit, token_id: str) -> None:
    """End a token at once."""
    _whole(visit)
    with visit.writing() as session:
        tokens.revoke_token(session, archive=visit.site.archive, actor=visit.person, token_id=token_id)
