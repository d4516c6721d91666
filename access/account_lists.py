"""Lists of accounts for those who administer them: filtered, paged by user name, within their reach."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, Row, and_, exists, func, or_, select
from sqlalchemy.orm import Bundle, Session

from access.actors import Actor
from access.organs import within_reach
from metadata.rights import Permission
from repository.archive import Archive
from repository.clock import local_date
from repository.tables import Account, AccountRole, Organ

MOST = 200
"""Accounts that a page may have."""


@dataclass(frozen=True, slots=True)
class AccountFilter:
    """What is asked for: words of the name, an organ's code, a role's code, a state.

    ``state``: ``open``, ``closed``, ``waiting`` (the second half of a one-time password waits), ``roleless``; else all.
    """

    words: str = ""
    organ: str = ""
    role: str = ""
    state: str = ""


@dataclass(frozen=True, slots=True)
class AccountRow:
    """An account with its organ and every role it ever held, newest last: of a list the columns that lists show."""

    account: Account | Row[Any]
    organ: Organ | Row[Any]
    roles: Sequence[tuple[Row[Any], Row[Any]]]


_ACCOUNT: Bundle[Any] = Bundle(
    "account",
    *(Account.id, Account.username, Account.display_name, Account.active, Account.waiting_half),
    *(Account.created_at, Account.last_seen_at, Account.revision),
)
_ORGAN: Bundle[Any] = Bundle("organ", Organ.code, Organ.name_zh, Organ.name_en)
_ROLE: Bundle[Any] = Bundle(
    "role", AccountRole.seq, AccountRole.account_id, AccountRole.role, AccountRole.starts_on, AccountRole.ends_on
)


def _held(today: date) -> ColumnElement[bool]:
    return and_(AccountRole.account_id == Account.id, or_(AccountRole.ends_on.is_(None), AccountRole.ends_on > today))


def accounts(
    session: Session,
    actor: Actor,
    *,
    archive: Archive,
    permission: Permission,
    wanted: AccountFilter | None = None,
    after: str = "",
    limit: int = 50,
) -> list[AccountRow]:
    """Accounts that ``actor`` administers with ``permission``, by user name after ``after``."""
    asked = wanted or AccountFilter()
    today = local_date(archive.clock.now(), archive.zone)
    query = (
        select(_ACCOUNT, _ORGAN)
        .join(Organ, Organ.id == Account.organ_id)
        .where(within_reach(actor, permission, archive.profile))
        .order_by(Account.username)
        .limit(min(max(limit, 1), MOST))
    )
    if after:
        query = query.where(Account.username > after)
    for word in asked.words.split()[:5]:
        low = word.lower()
        query = query.where(
            or_(
                Account.username.contains(low, autoescape=True),
                func.lower(Account.display_name).contains(low, autoescape=True),
            )
        )
    if asked.organ:
        query = query.where(Organ.code == asked.organ)
    if asked.role:
        query = query.where(exists().where(_held(today), AccountRole.role == asked.role))
    states = {
        "open": Account.active,
        "closed": ~Account.active,
        "waiting": Account.waiting_half.is_not(None),
        "roleless": and_(Account.active, ~exists().where(_held(today))),
    }
    if asked.state in states:
        query = query.where(states[asked.state])
    rows = session.execute(query).tuples().all()
    return _with_roles(session, [AccountRow(account, organ, ()) for account, organ in rows])


def one_account(session: Session, account: Account) -> AccountRow:
    """``account`` with its organ and roles; the caller has asked the reach."""
    return _with_roles(session, [AccountRow(account, session.get_one(Organ, account.organ_id), ())])[0]


def _with_roles(session: Session, rows: list[AccountRow]) -> list[AccountRow]:
    held: dict[str, list[tuple[Row[Any], Row[Any]]]] = {}
    if rows:
        for role, organ in session.execute(
            select(_ROLE, _ORGAN)
            .join(Organ, Organ.id == AccountRole.organ_id)
            .where(AccountRole.account_id.in_([one.account.id for one in rows]))
            .order_by(AccountRole.seq)
        ).tuples():
            held.setdefault(role.account_id, []).append((role, organ))
    return [replace(one, roles=held.get(one.account.id, ())) for one in rows]


def holders(
    session: Session,
    actor: Actor,
    *,
    archive: Archive,
    role: str = "",
    organ: str = "",
    after: int = 0,
    limit: int = 50,
) -> list[tuple[Row[Any], Row[Any], Row[Any]]]:
    """Who holds what where, by order of grant after ``after``: roles that have not ended, within the actor's reach."""
    today = local_date(archive.clock.now(), archive.zone)
    query = (
        select(_ROLE, _ACCOUNT, _ORGAN)
        .join(Account, Account.id == AccountRole.account_id)
        .join(Organ, Organ.id == AccountRole.organ_id)
        .where(
            within_reach(actor, Permission.GRANT_WRITE, archive.profile),
            or_(AccountRole.ends_on.is_(None), AccountRole.ends_on > today),
            AccountRole.seq > after,
        )
        .order_by(AccountRole.seq)
        .limit(min(max(limit, 1), MOST))
    )
    if role:
        query = query.where(AccountRole.role == role)
    if organ:
        query = query.where(Organ.code == organ)
    return list(session.execute(query).tuples())
