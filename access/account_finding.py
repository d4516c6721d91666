"""Finding accounts for those who administer them: within their reach, and as they last saw them."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from access import passwords
from access.actors import Actor
from access.gate import require
from access.organs import require_reach
from metadata.errors import Conflict, NotFound
from metadata.identifiers import is_id
from metadata.rights import Permission
from repository.archive import Archive
from repository.ledger import access_acts
from repository.tables import Account, Organ


def folded_name(text: str) -> str:
    """A user name as it is kept: one Unicode form, small letters."""
    return passwords.folded(text).strip().lower()


def account_by_name(session: Session, username: str) -> Account:
    """The account with this user name; ``NotFound`` (``account.not_found``)."""
    found = session.scalars(select(Account).where(Account.username == folded_name(username))).one_or_none()
    if found is None:
        raise _no_account()
    return found


def account_in_reach(
    session: Session, *, archive: Archive, actor: Actor, username: str, permission: Permission
) -> Account:
    """The account with this user name or id, when ``actor`` administers it with ``permission``.

    ``Forbidden`` without the permission; ``NotFound`` (``account.not_found``) whether it is out of reach or not there.
    """
    if actor.kind == "account":
        require(actor, permission, archive.profile)
    found = session.get(Account, username) if is_id(username) else None
    account = found or account_by_name(session, username)
    try:
        require_reach(session, actor, permission, session.get_one(Organ, account.organ_id), archive.profile)
    except NotFound:
        raise _no_account() from None
    return account


def _no_account() -> NotFound:
    return NotFound(
        "account.not_found",
        zh="没有这个帐号。请核对帐号名。",
        en="There is no such account. Check the user name.",
    )


def account_to_change(
    session: Session, archive: Archive, actor: Actor, username: str, seen: int | None = None
) -> Account:
    """The account to be changed by who keeps accounts; ``Conflict`` when it is not as ``seen`` (a revision)."""
    account = account_in_reach(
        session, archive=archive, actor=actor, username=username, permission=Permission.ACCOUNT_WRITE
    )
    if seen is not None and seen != account.revision:
        raise Conflict(
            "account.changed_meanwhile",
            zh="帐号刚被别人改过，没有做任何更改。请刷新后再改。",
            en="Somebody changed the account meanwhile; nothing was changed. Reload and change it again.",
        )
    return account


def account_told(session: Session, archive: Archive, actor: Actor, account: Account, change: str) -> None:
    """Enter in the ledger what was done to the account (``access_acts.account_changed``)."""
    access_acts.account_changed(session, at=archive.clock.now(), actor=actor.ref, account_id=account.id, change=change)
