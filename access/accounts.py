"""Accounts: creation, change, sign-in, passwords, roles.

Creating an account and granting a role are acts of different administrators (三员分立): ``account.write`` and
``grant.write``. So is giving out a one-time password: the system administrator gets its first half, the security
administrator hands over the second (``reset_password``, ``hand_over``), and neither can sign in as somebody else alone.
The console, which holds the site's files, may do all of it. Each act stands in the ledger and in the account's revision,
which carries no secret.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import Session

from access import passwords, roles, sessions
from access.account_finding import account_by_name, account_in_reach, account_to_change, account_told, folded_name
from access.actors import SYSTEM, Actor, RoleHeld, actor_of, console_actor
from access.credentials import authenticate, change_password, hand_over, reset_password
from access.gate import require
from access.organs import UNPRINTABLE, create_organ, organ_by_code, require_reach
from metadata import idcard
from metadata.errors import Conflict, Forbidden, Invalid
from metadata.identifiers import is_id, new_id
from metadata.rights import Permission
from repository.archive import Archive
from repository.ledger import acts
from repository.tables import Account, Organ

__all__ = [
    "SYSTEM",
    "Actor",
    "RoleHeld",
    "account_by_name",
    "account_in_reach",
    "actor_of",
    "authenticate",
    "change_account",
    "change_password",
    "close_account",
    "console_actor",
    "create_account",
    "create_organ",
    "grant_role",
    "hand_over",
    "reopen_account",
    "reset_password",
    "revoke_role",
]

_USERNAME = re.compile(r"^[\w][\w.@-]{1,63}\Z")
NAME = 100
"""Characters that a person's name may have."""


def _person_name(text: str) -> str:
    """A person's name as it may be kept; ``Invalid`` (``account.malformed``) for what is no name."""
    name = text.strip()
    bad = UNPRINTABLE.search(name) or next(iter(idcard.find_all(name)), None) is not None
    if not name or len(name) > NAME or bad:
        raise _malformed()
    return name


def _malformed() -> Invalid:
    return Invalid(
        "account.malformed",
        zh=f"帐号名须为 2 至 64 位字母、汉字、数字或 . _ - @，不能是身份证号码；姓名须为 1 至 {NAME} 字，不含控制字符和身份证号码。",
        en=f"A user name has 2 to 64 letters, digits, dots, hyphens, underscores or @ and is no ID number; the person's name has 1 to {NAME} characters, no control characters and no ID number.",
    )


def create_account(
    session: Session,
    *,
    archive: Archive,
    actor: Actor,
    username: str,
    display_name: str,
    organ_code: str,
    password: str | None = None,
    roles: Sequence[tuple[str, str]] = (),
) -> Account:
    """Enter a person; ``roles`` are pairs of role and organ code.

    Without a password nobody can sign in until ``reset_password``. ``Invalid`` for a malformed user name or weak
    password, ``Conflict`` for a name in use or incompatible roles; roles need ``grant.write`` besides.
    """
    if actor.kind == "account":
        require(actor, Permission.ACCOUNT_WRITE, archive.profile)
    name = folded_name(username)
    if not _USERNAME.match(name) or is_id(name) or next(iter(idcard.find_all(name)), None) is not None:
        raise _malformed()
    shown = _person_name(display_name)
    if session.scalars(select(Account.id).where(Account.username == name)).first() is not None:
        raise Conflict("account.exists", zh="帐号名已被使用。请换一个。", en="The user name is in use. Choose another.")
    organ = _open_organ(session, archive, actor, organ_code)
    account = Account(
        id=new_id(),
        username=name,
        display_name=shown,
        organ_id=organ.id,
        password_hash=passwords.hashed(password, name) if password is not None else None,
        password_changed_at=archive.clock.now() if password is not None else None,
        created_at=archive.clock.now(),
    )
    session.add(account)
    session.flush()
    now = archive.clock.now()
    acts.account_created(session, at=now, actor=actor.ref, account_id=account.id, organ_id=organ.id)
    _add_roles(session, archive, actor, account, roles)
    _revise(session, archive, actor, account)
    return account


def _open_organ(session: Session, archive: Archive, actor: Actor, code: str) -> Organ:
    organ = organ_by_code(session, code)
    require_reach(session, actor, Permission.ACCOUNT_WRITE, organ, archive.profile)
    if organ.closed_at is not None:
        raise Conflict(
            "organ.closed",
            zh=f"机构 {organ.code} 已停用。请先恢复它，或选用在用的机构。",
            en=f"The organ {organ.code} is closed. Reopen it first, or choose one that is in use.",
            organ=organ.code,
        )
    return organ


def _add_roles(
    session: Session, archive: Archive, actor: Actor, account: Account, pairs: Sequence[tuple[str, str]]
) -> None:
    for role, organ_code in pairs:
        roles.add_role(session, archive=archive, actor=actor, account=account, role=role, organ_code=organ_code)


def _revise(session: Session, archive: Archive, actor: Actor, account: Account) -> None:
    roles.revise_account(session, archive=archive, actor=actor, account=account)


def grant_role(
    session: Session,
    *,
    archive: Archive,
    actor: Actor,
    username: str,
    role: str,
    organ_code: str,
    starts_on: date | None = None,
    ends_on: date | None = None,
) -> Account:
    """Give an account a role in an organ, from ``starts_on`` (today) until before ``ends_on``.

    ``Conflict`` (``role.incompatible``, ``role.held``), ``Invalid`` (``role.unknown``, ``role.wrong_level``),
    ``Forbidden`` for a grant to oneself.
    """
    account = account_in_reach(
        session, archive=archive, actor=actor, username=username, permission=Permission.GRANT_WRITE
    )
    roles.add_role(
        session,
        archive=archive,
        actor=actor,
        account=account,
        role=role,
        organ_code=organ_code,
        starts_on=starts_on,
        ends_on=ends_on,
    )
    _revise(session, archive, actor, account)
    return account


def revoke_role(
    session: Session, *, archive: Archive, actor: Actor, username: str, role: str, organ_code: str
) -> Account:
    """End an account's role in an organ at once."""
    account = account_in_reach(
        session, archive=archive, actor=actor, username=username, permission=Permission.GRANT_WRITE
    )
    roles.revoke(session, archive=archive, actor=actor, account=account, role=role, organ_code=organ_code)
    return account


def change_account(
    session: Session,
    *,
    archive: Archive,
    actor: Actor,
    username: str,
    display_name: str | None = None,
    organ_code: str | None = None,
    seen: int | None = None,
) -> Account:
    """Another name for the person, or another organ; the roles stay where they are held. None leaves as it is."""
    account = account_to_change(session, archive, actor, username, seen)
    before = (account.display_name, account.organ_id)
    if display_name is not None:
        account.display_name = _person_name(display_name)
    if organ_code is not None:
        account.organ_id = _open_organ(session, archive, actor, organ_code).id
    if (account.display_name, account.organ_id) != before:
        account_told(session, archive, actor, account, "changed")
        _revise(session, archive, actor, account)
    return account


def close_account(session: Session, *, archive: Archive, actor: Actor, username: str) -> Account:
    """Close an account: its sessions and tokens end and so does every role; its history stays. Harmless when repeated.

    ``Forbidden`` (``account.own``) for one's own.
    """
    account = account_to_change(session, archive, actor, username)
    if actor.id == account.id:
        raise Forbidden(
            "account.own",
            zh="不能停用自己的帐号。请由另一位系统管理员办理。",
            en="Nobody closes her own account. Ask another system administrator.",
        )
    if not account.active:
        return account
    account.active = False
    account.waiting_half = None
    sessions.end_ways_in(session, archive=archive, actor=actor, account=account)
    roles.end_all(session, archive=archive, actor=actor, account=account)
    acts.account_closed(session, at=archive.clock.now(), actor=actor.ref, account_id=account.id)
    _revise(session, archive, actor, account)
    return account


def reopen_account(session: Session, *, archive: Archive, actor: Actor, username: str) -> Account:
    """Open an account again: without roles and without a password, so both are given anew by whom they concern."""
    account = account_to_change(session, archive, actor, username)
    if account.active:
        return account
    _open_organ(session, archive, actor, session.get_one(Organ, account.organ_id).code)
    account.active = True
    account.password_hash = None
    account_told(session, archive, actor, account, "reopened")
    _revise(session, archive, actor, account)
    return account
