"""The tree of organs as those who administer it see it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, func, select
from sqlalchemy.orm import Session

from access.actors import Actor
from access.organs import within_reach
from metadata.profile import Profile
from metadata.rights import Permission
from repository.tables import Account, Organ


@dataclass(frozen=True, slots=True)
class Branch:
    """An organ in the tree: how deep it stands (0 at the top) and how many open accounts it has.

    ``organ`` has the columns of ``Organ`` by name and is no object of the session: hundreds are read for a list of choices.
    """

    organ: Row[Any]
    depth: int
    accounts: int


def organ_tree(
    session: Session,
    actor: Actor,
    profile: Profile,
    permission: Permission = Permission.ACCOUNT_WRITE,
    *,
    counted: bool = True,
) -> list[Branch]:
    """The organs that ``actor`` administers, superior ones first, those below each by code.

    An organ whose superior is out of reach stands at the top. Read whole: a county has some hundreds. Without ``counted``
    no accounts are counted.
    """
    wanted = select(*Organ.__table__.columns).where(within_reach(actor, permission, profile)).order_by(Organ.code)
    found = session.execute(wanted).all()
    by_organ = select(Account.organ_id, func.count()).where(Account.active).group_by(Account.organ_id)
    accounts = dict(session.execute(by_organ).tuples().all()) if counted else {}
    known = {one.id for one in found}
    below: dict[str | None, list[Row[Any]]] = {}
    for one in found:
        below.setdefault(one.parent_id if one.parent_id in known else None, []).append(one)
    tree: list[Branch] = []
    open_ends = [(one, 0) for one in reversed(below.get(None, []))]
    while open_ends:
        organ, depth = open_ends.pop()
        tree.append(Branch(organ, depth, accounts.get(organ.id, 0)))
        open_ends += [(one, depth + 1) for one in reversed(below.get(organ.id, []))]
    return tree
