"""The tree of organs as those who administer it see it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import takewhile
from typing import Any

from sqlalchemy import Row, func, select
from sqlalchemy.orm import Session

from access.actors import Actor
from access.organs import within_reach
from access.reach import kept
from metadata.profile import Profile
from metadata.rights import Permission
from repository.tables import Account, Organ

MOST = 100
"""Rows of the tree on one page."""


@dataclass(frozen=True, slots=True)
class Branch:
    """An organ in the tree: how deep it stands (0 at the top), how many open accounts it has, and how many organs below
    it are left out.

    ``organ`` has the columns of ``Organ`` by name and is no object of the session: hundreds are read for a list of choices.
    """

    organ: Row[Any]
    depth: int
    accounts: int
    folded: int = 0


def organ_tree(
    session: Session,
    actor: Actor,
    profile: Profile,
    permission: Permission = Permission.ACCOUNT_WRITE,
    *,
    counted: bool = True,
) -> list[Branch]:
    """The organs that ``actor`` administers, superior ones first, those below each by code.

    An organ whose superior is out of reach stands at the top. Read whole, a county has some hundreds, and kept with the
    actor: whatever changes an organ makes her anew (``access.epochs``). Without ``counted`` no accounts are counted.
    """
    tree = kept(actor, ("organ tree", permission), profile, lambda: _tree(session, actor, profile, permission))
    if not counted:
        return tree
    by_organ = select(Account.organ_id, func.count()).where(Account.active).group_by(Account.organ_id)
    accounts = dict(session.execute(by_organ).tuples().all())
    return [Branch(one.organ, one.depth, accounts.get(one.organ.id, 0)) for one in tree]


def folded(tree: Sequence[Branch], *, below: str = "", most: int = MOST) -> list[Branch]:
    """The organ with the code ``below`` and what stands below it (none: everything), as deep as ``most`` rows allow, which is
    at least what ``below`` has right below it; those at the last level say how much is left out below them.
    """
    if below:
        at = next((number for number, one in enumerate(tree) if one.organ.code == below), len(tree))
        after = takewhile(lambda one: one.depth > tree[at].depth, tree[at + 1 :])
        tree = [*tree[at : at + 1], *after]
    counts = Counter(one.depth for one in tree)
    first = last = min(counts, default=0)
    shown = 0
    for level in sorted(counts):
        shown += counts[level]
        if shown > most and level > first + bool(below):
            break
        last = level
    made: list[Branch] = []
    for one in tree:
        if one.depth <= last:
            made.append(one)
        else:
            made[-1] = replace(made[-1], folded=made[-1].folded + 1)
    return made


def matching(tree: Iterable[Branch], words: str) -> list[Branch]:
    """Organs whose name, code or division code has ``words`` in it, each by itself (depth 0)."""
    wanted = words.casefold()
    return [replace(one, depth=0) for one in tree if any(wanted in part.casefold() for part in _said(one.organ))]


def _said(organ: Row[Any]) -> tuple[str, ...]:
    return organ.name_zh, organ.name_en or "", organ.code, organ.division_prefix


class OrganNames:
    """Names of all organs by id, in the order of their codes; read anew when an organ was entered or changed."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[tuple[int, int], dict[str, str]]] = {}

    def of(self, session: Session, language: str) -> dict[str, str]:
        """The names in ``language``; Chinese where there is none. Not to be changed by the caller."""
        many, changes = session.execute(select(func.count(), func.coalesce(func.sum(Organ.revision), 0))).one()
        stamp = (int(many), int(changes))
        known = self._known.get(language)
        if known is None or known[0] != stamp:
            rows = session.execute(select(Organ.id, Organ.name_zh, Organ.name_en).order_by(Organ.code)).tuples()
            english = language == "en"
            names = {organ_id: (name_en or name_zh) if english else name_zh for organ_id, name_zh, name_en in rows}
            known = self._known[language] = (stamp, names)
        return known[1]


def _tree(session: Session, actor: Actor, profile: Profile, permission: Permission) -> list[Branch]:
    wanted = select(*Organ.__table__.columns).where(within_reach(actor, permission, profile)).order_by(Organ.code)
    found = session.execute(wanted).all()
    known = {one.id for one in found}
    below: dict[str | None, list[Row[Any]]] = {}
    for one in found:
        below.setdefault(one.parent_id if one.parent_id in known else None, []).append(one)
    tree: list[Branch] = []
    open_ends = [(one, 0) for one in reversed(below.get(None, []))]
    while open_ends:
        organ, depth = open_ends.pop()
        tree.append(Branch(organ, depth, 0))
        open_ends += [(one, depth + 1) for one in reversed(below.get(organ.id, []))]
    return tree
