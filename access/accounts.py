"""Accounts: creation, sign-in, passwords, roles.

Creating an account and granting a role are acts of different administrators (三员分立): ``account.write`` and
``grant.write``. The console, which holds the site's files, may do both. Each act stands in the ledger and in the
account's revision, which carries no secret.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from access import passwords, roles
from access.actors import SYSTEM, Actor, RoleHeld, actor_of, console_actor
from access.gate import require
from access.organs import create_organ, organ_by_code
from metadata import idcard
from metadata.errors import Conflict, Invalid, NotFound
from metadata.identifiers import new_id
from metadata.rights import Permission
from repository.archive import Archive
from repository.clock import Clock
from repository.ledger import acts
from repository.tables import Account, LoginSession

__all__ = [
    "SYSTEM",
    "Actor",
    "RoleHeld",
    "account_by_name",
    "actor_of",
    "authenticate",
    "change_password",
    "close_account",
    "console_actor",
    "create_account",
    "create_organ",
    "grant_role",
    "reset_password",
    "revoke_role",
]

_USERNAME = re.compile(r"^[\w][\w.@-]{1,63}$")


def _username(text: str) -> str:
    return passwords.folded(text).strip().lower()


def account_by_name(session: Session, username: str) -> Account:
    """The account with this user name; ``NotFound`` (``account.not_found``)."""
    found = session.scalars(select(Account).where(Account.username == _username(username))).one_or_none()
    if found is None:
        raise NotFound(
            "account.not_found",
            zh="没有这个帐号。请核对帐号名。",
            en="There is no such account. Check the user name.",
        )
    return found


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
    name = _username(username)
    if not _USERNAME.match(name) or not display_name.strip() or next(iter(idcard.find_all(name)), None) is not None:
        raise Invalid(
            "account.malformed",
            zh="帐号名须为 2 至 64 位字母、汉字、数字或 . _ - @，不能是身份证号码；姓名不能为空。",
            en="A user name has 2 to 64 letters, digits, dots, hyphens, underscores or @ and is no ID number; the person's name must not be empty.",
        )
    if session.scalars(select(Account.id).where(Account.username == name)).first() is not None:
        raise Conflict("account.exists", zh="帐号名已被使用。请换一个。", en="The user name is in use. Choose another.")
    organ = organ_by_code(session, organ_code)
    account = Account(
        id=new_id(),
        username=name,
        display_name=display_name.strip(),
        organ_id=organ.id,
        password_hash=passwords.hashed(password, name) if password is not None else None,
        created_at=archive.clock.now(),
    )
    session.add(account)
    session.flush()
    now = archive.clock.now()
    acts.account_created(session, at=now, actor=actor.ref, account_id=account.id, organ_id=organ.id)
    _add_roles(session, archive, actor, account, roles)
    _revise(session, archive, actor, account)
    return account


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
    account = account_by_name(session, username)
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
    account = account_by_name(session, username)
    roles.revoke(session, archive=archive, actor=actor, account=account, role=role, organ_code=organ_code)
    return account


def close_account(session: Session, *, archive: Archive, actor: Actor, username: str) -> Account:
    """Close an account: its sessions end, it holds no role any more; its history stays."""
    if actor.kind == "account":
        require(actor, Permission.ACCOUNT_WRITE, archive.profile)
    account = account_by_name(session, username)
    account.active = False
    _end_sessions(session, account)
    acts.account_closed(session, at=archive.clock.now(), actor=actor.ref, account_id=account.id)
    _revise(session, archive, actor, account)
    return account


def reset_password(session: Session, *, archive: Archive, actor: Actor, username: str) -> str:
    """Give an account a new random password, which is returned once and must be changed at sign-in.

    Sessions of the account end.
    """
    if actor.kind == "account":
        require(actor, Permission.ACCOUNT_WRITE, archive.profile)
    account = account_by_name(session, username)
    password = passwords.random_password()
    account.password_hash = passwords.hashed(password, account.username)
    account.must_change_password = True
    account.failed_attempts = 0
    _end_sessions(session, account)
    acts.account_password_reset(session, at=archive.clock.now(), actor=actor.ref, account_id=account.id)
    return password


def change_password(session: Session, *, archive: Archive, account: Account, current: str, new: str) -> None:
    """The person's own change; other sessions end, and so does this one: sign in again.

    ``Invalid``: ``password.wrong`` when ``current`` is not right, ``password.unchanged``, ``password.weak``.
    """
    if not passwords.matches(account.password_hash, current):
        raise Invalid(
            "password.wrong", zh="当前口令不正确。请重新输入。", en="The current password is wrong. Enter it again."
        )
    if passwords.folded(new) == passwords.folded(current):
        raise Invalid(
            "password.unchanged",
            zh="新口令与当前口令相同。请换一个。",
            en="The new password is the current one. Choose another.",
        )
    account.password_hash = passwords.hashed(new, account.username)
    account.must_change_password = False
    _end_sessions(session, account)
    own = Actor(id=account.id, kind="account", name=account.display_name, organ_id=account.organ_id)
    acts.account_password_reset(session, at=archive.clock.now(), actor=own.ref, account_id=account.id)


def _end_sessions(session: Session, account: Account) -> None:
    session.execute(delete(LoginSession).where(LoginSession.account_id == account.id))
    session.flush()


def authenticate(
    session: Session,
    *,
    username: str,
    password: str,
    clock: Clock,
    slow_down: passwords.SlowDown = passwords.SLOW_DOWN,
) -> Account | None:
    """The account whose password this is, or ``None`` without saying why.

    Unknown, closed and known accounts cost the same work. Failures are counted on the account and slow the next tries
    for that name down; nobody is refused because of another's failures. Waiting and hashing are done before
    ``session`` is used, so that on SQLite nobody's writing waits for them; the account must be committed.
    """
    name = _username(username[:200])
    slow_down.wait(name)
    with Session(session.get_bind().execution_options(read_only=True)) as reading:
        stored = reading.scalar(select(Account.password_hash).where(Account.username == name, Account.active))
    right = passwords.matches(stored, password)
    slow_down.note(name, success=right)
    account = session.scalars(select(Account).where(Account.username == name)).one_or_none()
    if account is None:
        return None
    if not right or account.password_hash != stored or not account.active:
        account.failed_attempts += 1
        return None
    if stored is not None and passwords.outdated(stored):
        account.password_hash = passwords.hashed(password, name)
    account.failed_attempts = 0
    account.last_seen_at = clock.now()
    return account
