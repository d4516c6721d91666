"""Read models of people: organs as a tree, accounts, who holds which role, sessions, the log of acts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Row
from sqlalchemy.orm import Session

from access import account_lists, ledger_reading, organs, sessions
from access.account_finding import account_in_reach
from access.account_lists import AccountFilter, AccountRow
from access.organ_tree import MOST, Branch, folded, matching, organ_tree
from access.reach import kept
from lantai import i18n
from lantai.web import labels
from lantai.web.administering import kept_by
from lantai.web.options import Options
from lantai.web.visit import Visit
from metadata.profile import Role
from metadata.rights import Permission
from repository.clock import local_date
from repository.tables import Account, LoginSession, Organ


@dataclass(frozen=True, slots=True)
class OrganLine:
    """An organ in the tree; ``depth`` 0 stands at the top, ``revision`` is what a change must have seen, ``folded`` how many
    organs below it are left out, ``above`` the name of its superior."""

    code: str
    name: str
    name_zh: str
    name_en: str
    level: str
    level_name: str
    division: str
    superior: str
    depth: int
    accounts: int
    closed_at: datetime | None
    revision: int
    folded: int = 0
    above: str = ""


@dataclass(frozen=True, slots=True)
class OrganPage:
    """Organs on one page; ``large``: the tree has more than fit, so it can be searched; ``top``: from which down;
    ``following``: after which the next page begins."""

    lines: list[OrganLine]
    large: bool
    top: OrganLine | None
    words: str
    following: str


@dataclass(frozen=True, slots=True)
class HeldLine:
    """A role that somebody holds, held or will hold; ``state``: in_force, coming, ended."""

    role: str
    role_name: str
    organ: str
    organ_name: str
    starts_on: date | None
    ends_on: date | None
    state: str
    username: str = ""
    name: str = ""
    account_id: str = ""
    seq: int = 0


@dataclass(frozen=True, slots=True)
class AccountLine:
    """An account as administrators see it; ``roles`` are the names of those that have not ended."""

    id: str
    username: str
    name: str
    organ: str
    organ_code: str
    roles: list[str]
    active: bool
    state: str
    last_seen_at: datetime | None
    created_at: datetime
    half_waits: bool
    revision: int
    held: list[HeldLine]


@dataclass(frozen=True, slots=True)
class SessionLine:
    """A signed-in browser; ``here``: the one that asks."""

    id: str
    username: str
    name: str
    device: str
    created_at: datetime
    last_seen_at: datetime
    expires_at: datetime
    here: bool


@dataclass(frozen=True, slots=True)
class MatrixLine:
    """A role of the profile: what it permits, with the citation and whether that was verified."""

    code: str
    name: str
    levels: str
    numbers: str
    access_level: str
    permits: dict[str, str]
    basis: str
    status: str


def _today(visit: Visit) -> date:
    archive = visit.site.archive
    return local_date(archive.clock.now(), archive.zone)


def organ_lines(session: Session, visit: Visit, permission: Permission = Permission.ACCOUNT_WRITE) -> list[OrganLine]:
    """The tree of the organs that this administrator keeps."""
    tree = organ_tree(session, visit.person, visit.site.archive.profile, permission)
    return _organ_lines(visit, tree, tree)


def organ_page(
    session: Session, visit: Visit, *, below: str = "", words: str = "", after: str = "", limit: int = MOST
) -> OrganPage:
    """A part of the tree that fits on a page: from the top, from the organ ``below`` down, or what has ``words`` in it.

    ``after``: the code of the organ that the page before ended with. What was found by ``words`` says below which organ it
    stands. ``NotFound`` when ``below`` is out of reach or not there.
    """
    top = organ_line(session, visit, below) if below and not words else None
    tree = organ_tree(session, visit.person, visit.site.archive.profile)
    found = matching(tree, words) if words else folded(tree, below=below, most=limit)
    start = next((number + 1 for number, one in enumerate(found) if one.organ.code == after), 0)
    lines = _organ_lines(visit, found[start : start + limit], tree)
    more = lines[-1].code if len(found) > start + limit else ""
    return OrganPage(lines, large=len(tree) > limit, top=top, words=words, following=more)


def _organ_lines(visit: Visit, branches: Sequence[Branch], tree: Sequence[Branch]) -> list[OrganLine]:
    """Some ``branches`` of a ``tree``."""
    stand = {one.organ.id: (one.organ.code, labels.term(visit.language, one.organ)) for one in tree}
    return [
        _organ_line(
            visit, one.organ, *stand.get(one.organ.parent_id or "", ("", "")), one.depth, one.accounts, one.folded
        )
        for one in branches
    ]


def _organ_line(
    visit: Visit,
    organ: Organ | Row[Any],
    superior: str,
    above: str = "",
    depth: int = 0,
    accounts: int = 0,
    folded: int = 0,
) -> OrganLine:
    level = visit.site.archive.profile.organ_levels.get(organ.level)
    return OrganLine(
        code=organ.code,
        name=labels.term(visit.language, organ),
        name_zh=organ.name_zh,
        name_en=organ.name_en,
        level=organ.level,
        level_name=labels.term(visit.language, level) if level else organ.level,
        division=organ.division_prefix,
        superior=superior,
        depth=depth,
        accounts=accounts,
        closed_at=organ.closed_at,
        revision=organ.revision,
        folded=folded,
        above=above,
    )


def organ_line(session: Session, visit: Visit, code: str) -> OrganLine:
    """One organ; ``NotFound`` when it is out of reach or not there."""
    organ = organs.organ_by_code(session, code)
    organs.require_reach(session, visit.person, Permission.ACCOUNT_WRITE, organ, visit.site.archive.profile)
    return _organ_line(visit, organ, organs.superior_code(session, organ) or "")


def account_lines(
    session: Session, visit: Visit, wanted: AccountFilter, *, after: str = "", limit: int = 50
) -> list[AccountLine]:
    """Accounts that this administrator sees, by user name."""
    rows = account_lists.accounts(
        session,
        visit.person,
        archive=visit.site.archive,
        permission=kept_by(visit),
        wanted=wanted,
        after=after,
        limit=limit,
    )
    return [_account_line(visit, one) for one in rows]


def one_account(session: Session, visit: Visit, name: str) -> tuple[Account, AccountLine]:
    """One account by user name or id; ``NotFound`` when it is out of reach or not there."""
    account = account_in_reach(
        session, archive=visit.site.archive, actor=visit.person, username=name, permission=kept_by(visit)
    )
    return account, _account_line(visit, account_lists.one_account(session, account))


def own_account(session: Session, visit: Visit) -> tuple[Account, AccountLine]:
    """The account of the person herself."""
    account = session.get_one(Account, visit.person.id)
    return account, _account_line(visit, account_lists.one_account(session, account))


def _account_line(visit: Visit, row: AccountRow) -> AccountLine:
    account = row.account
    held = [_held_line(visit, role, organ, account) for role, organ in row.roles]
    state = "closed" if not account.active else "half_waits" if account.waiting_half else "open"
    return AccountLine(
        id=account.id,
        username=account.username,
        name=account.display_name,
        organ=labels.term(visit.language, row.organ),
        organ_code=row.organ.code,
        roles=[one.role_name for one in held if one.state != "ended"],
        active=account.active,
        state=state,
        last_seen_at=account.last_seen_at,
        created_at=account.created_at,
        half_waits=account.waiting_half is not None,
        revision=account.revision,
        held=held[::-1],
    )


def _held_line(visit: Visit, held: Row[Any], organ: Row[Any], account: Account | Row[Any]) -> HeldLine:
    today = _today(visit)
    state = "in_force"
    if held.ends_on is not None and held.ends_on <= today:
        state = "ended"
    elif held.starts_on is not None and held.starts_on > today:
        state = "coming"
    return HeldLine(
        role=held.role,
        role_name=role_name(visit, held.role),
        organ=organ.code,
        organ_name=labels.term(visit.language, organ),
        starts_on=held.starts_on,
        ends_on=held.ends_on,
        state=state,
        username=account.username,
        name=account.display_name,
        account_id=account.id,
        seq=held.seq,
    )


def holders(
    session: Session, visit: Visit, *, role: str = "", organ: str = "", after: int = 0, limit: int = 50
) -> list[HeldLine]:
    """Who holds what where: roles that have not ended, in the order of their grant."""
    visit.require(Permission.GRANT_WRITE)
    rows = account_lists.holders(
        session, visit.person, archive=visit.site.archive, role=role, organ=organ, after=after, limit=limit
    )
    return [_held_line(visit, held, where, account) for held, account, where in rows]


def session_lines(
    session: Session, visit: Visit, *, account_id: str | None = None, after: str = "", limit: int = 50
) -> list[SessionLine]:
    """Sessions that last: one's own, or all in reach for who keeps the accounts; newest first."""
    rows = sessions.sessions(
        session, visit.person, archive=visit.site.archive, account_id=account_id, after=after, limit=limit
    )
    return [_session_line(visit, one, account) for one, account in rows]


def _session_line(visit: Visit, one: LoginSession, account: Account) -> SessionLine:
    return SessionLine(
        id=one.id,
        username=account.username,
        name=account.display_name,
        device=one.device,
        created_at=one.created_at,
        last_seen_at=one.last_seen_at,
        expires_at=one.expires_at,
        here=bool(visit.csrf) and one.csrf_token == visit.csrf,
    )


def log_lines(
    session: Session, visit: Visit, wanted: ledger_reading.LogFilter, *, before: int = 0, limit: int = 50
) -> list[ledger_reading.LogEntry]:
    """Acts newest first, for who reads the ledger."""
    visit.require(Permission.LEDGER_READ)
    return ledger_reading.log(
        session, visit.person, archive=visit.site.archive, wanted=wanted, before=before, limit=limit
    )


def matrix(visit: Visit) -> list[MatrixLine]:
    """Every role of the profile with every permission: ``yes``, ``own``, ``on_grant``; what is not named is not permitted."""
    return [_matrix_line(visit, one) for one in visit.site.archive.profile.roles.values()]


def _matrix_line(visit: Visit, role: Role) -> MatrixLine:
    permits = {one.value: "on_grant" for one in role.on_grant}
    permits |= {one.value: "own" for one in role.own} | {one.value: "yes" for one in role.permissions}
    levels = visit.site.archive.profile.organ_levels
    chinese = visit.language == "zh"
    return MatrixLine(
        code=role.code,
        name=labels.term(visit.language, role),
        levels=("、" if chinese else ", ").join(
            labels.term(visit.language, levels[one]) for one in role.levels if one in levels
        ),
        numbers=role.identity_numbers,
        access_level=role.access_level.value,
        permits=permits,
        basis=role.provenance.citation,
        status=role.provenance.status_words(visit.language),
    )


def organ_choices(session: Session, visit: Visit, permission: Permission, *, besides: str = "") -> Options:
    """Open organs of the administrator's reach for a form, indented as they stand in the tree."""
    profile = visit.site.archive.profile

    def made() -> list[tuple[str, str]]:
        return [
            (one.organ.code, f"{'　' * one.depth}{labels.term(visit.language, one.organ)}（{one.organ.code}）")
            for one in organ_tree(session, visit.person, profile, permission, counted=False)
            if one.organ.closed_at is None
        ]

    offered = kept(visit.person, (f"organ choices {visit.language}", permission), profile, made)
    return [("", [one for one in offered if one[0] != besides] if besides else offered)]


def level_choices(visit: Visit) -> Options:
    """Levels of organs for a form, each with the digits of its division code."""
    made = []
    for one in visit.site.archive.profile.organ_levels.values():
        digits = " / ".join(map(str, one.division_digits)) or "–"
        made.append((one.code, f"{one.code} {labels.term(visit.language, one)} · {digits}"))
    return [("", made)]


def role_name(visit: Visit, code: str) -> str:
    """The name of a role; the code itself when the profile knows it no longer."""
    role = visit.site.archive.profile.roles.get(code)
    return labels.term(visit.language, role) if role else code


def role_choices(visit: Visit) -> Options:
    """Roles of the profile for a form."""
    profile = visit.site.archive.profile
    return [("", [(one.code, labels.term(visit.language, one)) for one in profile.roles.values()])]


def act_choices(visit: Visit) -> Options:
    """Acts of the ledger for a form, by their words."""
    _ = i18n.translations(visit.language).gettext
    return [("", sorted(((code, _(words)) for code, words in labels.WORDS["act"].items()), key=lambda one: one[1]))]
