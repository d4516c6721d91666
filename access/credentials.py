"""Who somebody is: passwords given, handed over, changed and asked for.

A one-time password is made by two administrators: the system administrator is told its first half, the security
administrator hands over the second, so neither can sign in as somebody else, and what they do together stands in the
ledger. The console, which holds the site's files, is told the whole.
"""

from __future__ import annotations

import base64
from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from access import passwords, sessions, use_counts
from access.account_finding import account_in_reach, account_to_change, account_told, folded_name
from access.actors import SYSTEM, Actor
from metadata.errors import Conflict, Forbidden, Invalid
from metadata.rights import Permission
from repository.archive import Archive
from repository.ledger import access_acts, acts
from repository.tables import Account

ONE_TIME = timedelta(days=14)
"""How long a password given by others opens anything."""
_TOLD_AT_ONCE = 5


def reset_password(session: Session, *, archive: Archive, actor: Actor, username: str) -> str:
    """Give an account a new random password, told this once; it must be changed at sign-in, within ``ONE_TIME``.

    The console is told the whole. An administrator is told the first half only: until another one hands over the second
    (``hand_over``) nobody can sign in, and neither of them ever could alone. Sessions and tokens of the account end.
    """
    account = account_to_change(session, archive, actor, username)
    if not account.active:
        raise Conflict(
            "account.closed",
            zh="帐号已停用，不能重置口令。请先恢复帐号。",
            en="The account is closed and gets no password. Reopen it first.",
        )
    password = passwords.random_password()
    first, second = passwords.halves(password)
    account.password_hash = passwords.hashed(password, account.username)
    account.must_change_password = True
    account.password_changed_at = archive.clock.now()
    account.failed_attempts = 0
    alone = actor.kind != "account"
    account.waiting_half = None if alone else base64.b64encode(archive.keys.seal(second)).decode()
    sessions.end_ways_in(session, archive=archive, actor=actor, account=account)
    acts.account_password_reset(session, at=archive.clock.now(), actor=actor.ref, account_id=account.id)
    return password if alone else first


def hand_over(session: Session, *, archive: Archive, actor: Actor, username: str) -> str:
    """The second half of a one-time password, told this once by the security administrator to the person herself.

    ``Conflict`` (``password.no_half``) when none waits; ``Forbidden`` for one's own account.
    """
    account = account_in_reach(
        session, archive=archive, actor=actor, username=username, permission=Permission.GRANT_WRITE
    )
    if actor.id == account.id:
        raise Forbidden(
            "account.own",
            zh="不能为自己的帐号办理。请由另一位安全保密管理员办理。",
            en="Nobody does this for her own account. Ask another security administrator.",
        )
    if account.waiting_half is None:
        raise Conflict(
            "password.no_half",
            zh="该帐号没有等待交付的一次性口令后半段：可能已经交付。需要时请系统管理员重新重置。",
            en="No second half of a one-time password waits for this account; it may have been handed over. Have the system administrator reset the password again if needed.",
        )
    second = archive.keys.unseal(base64.b64decode(account.waiting_half))
    account.waiting_half = None
    account_told(session, archive, actor, account, "password_handed")
    session.flush()
    return second


def change_password(
    session: Session,
    *,
    archive: Archive,
    account: Account,
    current: str,
    new: str,
    rules: passwords.PasswordRules = passwords.RULES,
) -> None:
    """The person's own change; other sessions end, and so does this one: sign in again. Her tokens stay.

    ``Invalid``: ``password.wrong`` when ``current`` is not right, ``password.unchanged``, ``password.used_before``,
    ``password.weak``, ``password.common``.
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
    fresh = passwords.hashed(new, account.username, rules)
    past = [str(one) for one in account.past_passwords][: rules.remembered]
    if passwords.used_before(past, new):
        raise Invalid(
            "password.used_before",
            zh=f"这个口令用过。最近 {rules.remembered} 个口令不能再用，请换一个。",
            en=f"This password was used before. The last {rules.remembered} may not come back; choose another.",
        )
    account.past_passwords = ([str(account.password_hash), *past] if account.password_hash else past)[
        : rules.remembered
    ]
    account.password_hash = fresh
    account.password_changed_at = archive.clock.now()
    account.must_change_password = False
    account.waiting_half = None
    own = Actor(id=account.id, kind="account", name=account.display_name, organ_id=account.organ_id)
    sessions.end_all(session, archive=archive, actor=own, account=account)
    acts.account_password_reset(session, at=archive.clock.now(), actor=own.ref, account_id=account.id)


def known_browser(session: Session, *, username: str, device: str) -> bool:
    """Whether ``device`` is the mark of a browser that signed in to this account with its present password."""
    name = folded_name(username[:200])
    stored = session.scalar(select(Account.password_hash).where(Account.username == name, Account.active))
    return bool(device) and passwords.known_device(stored, device, name=name)


def mark_of(account: Account) -> str:
    """A mark for the browser in which ``account`` has just signed in (``known_browser``)."""
    return passwords.device_mark(account.password_hash or "", name=account.username)


def authenticate(
    session: Session,
    *,
    username: str,
    password: str,
    archive: Archive,
    slow_down: passwords.SlowDown | None = None,
    address: str = "",
    device: str = "",
    rules: passwords.PasswordRules = passwords.RULES,
) -> Account | None:
    """The account whose password this is, or ``None`` without saying why.

    The one place where who somebody is gets decided: a second factor, or a sign-in proved by another service (OpenID
    Connect), is asked here after the password, or instead of it, and nowhere else; sessions are opened only for the
    account that this returns.

    Unknown, closed and known accounts cost the same work. Failures are counted on the account and slow the next tries
    for that name, and for that network ``address``, down; nobody is refused because of another's failures, and a browser
    that knew the password before (``device``, see ``passwords.device_mark``) is not slowed by strangers at all. Waiting
    and hashing are done before ``session`` is used, so that on SQLite nobody's writing waits for them; the account must
    be committed. A refusal stands in the ledger: the first five, then every tenth, so that guessing cannot fill it.
    """
    slow = slow_down or passwords.SLOW_DOWN
    name = folded_name(username[:200])
    with Session(session.get_bind().execution_options(read_only=True)) as reading:
        stored = reading.scalar(select(Account.password_hash).where(Account.username == name, Account.active))
    known = bool(device) and passwords.known_device(stored, device, name=name)
    counted = f"{name}\n{device}" if known else name
    slow.wait(counted)
    if address and not known:
        passwords.BY_ADDRESS.wait(address)
    right = passwords.matches(stored, password)
    slow.note(counted, success=right)
    if address and not right:
        passwords.BY_ADDRESS.note(address, success=False)
    account = session.scalars(select(Account).where(Account.username == name)).one_or_none()
    if account is None:
        use_counts.sign_in_failed(session, archive=archive, account_id=None)
        return None
    now = archive.clock.now()
    given = account.password_changed_at if account.must_change_password else None
    expired = given is not None and given + ONE_TIME < now
    if not right or account.password_hash != stored or not account.active or expired:
        account.failed_attempts += 1
        if account.failed_attempts <= _TOLD_AT_ONCE or account.failed_attempts % 10 == 0:
            access_acts.signed(session, at=now, actor=SYSTEM.ref, account_id=account.id, how="refused")
        use_counts.sign_in_failed(session, archive=archive, account_id=account.id)
        return None
    if stored is not None and passwords.outdated(stored):
        account.password_hash = passwords.hashed(password, name)
    changed = account.password_changed_at
    if rules.days and changed is not None and changed + timedelta(days=rules.days) < now:
        account.must_change_password = True
    account.failed_attempts = 0
    return account
