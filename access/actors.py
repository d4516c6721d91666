"""Who acts: an account with the roles it holds today, the console, or the program itself."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Literal

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session

from metadata.profile import Profile
from metadata.rights import Permission
from repository.ledger.acts import ActorRef
from repository.tables import AccessGrant, AccessRequest, Account, AccountRole, GrantSubject, Organ, RequestSubject

CONSOLE_ROLES = ("archivist", "preservation_officer")
"""What the person at the console, who holds the site's files anyway, acts as."""

_LOOK = frozenset({Permission.CASE_READ.value, Permission.RECORD_LIST.value, Permission.RECORD_READ.value})
_MOST_WAITING = 500


@dataclass(frozen=True, slots=True)
class RoleHeld:
    """A role in force: in which organ, within which divisions.

    ``division_prefix`` cuts what the role reaches; an organ outside the division system has none and reaches nothing
    by it. ``everywhere`` is the console's alone.
    """

    role: str
    organ_id: str | None
    division_prefix: str
    level: str
    everywhere: bool = False


@dataclass(frozen=True, slots=True)
class GrantHeld:
    """A grant in force: for which records and case files, what it permits, until when.

    ``permissions`` are values of ``metadata.rights.Permission``; they hold as far as a role held permits them
    ``on_grant``. ``waiting``: no grant, but a request that waits for this person's decision and lets her look at what
    is put before her; ``id`` is then the request's.
    """

    id: str
    request_id: str
    number: str
    permissions: frozenset[str]
    record_ids: frozenset[str]
    case_file_ids: frozenset[str]
    ends_at: datetime | None
    waiting: bool = False


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts, with the roles and grants in force at the moment this was made.

    ``access.permits`` keeps it while they are in force. ``compiled`` is where ``access.reach`` keeps what follows from them.

    ``id`` is the account's id, ``console:<system user>``, ``system`` or ``watcher``. ``only``: what a token was narrowed
    to (values of ``metadata.rights.Permission``); None: whatever the roles permit.
    """

    id: str
    kind: Literal["account", "console", "system"]
    name: str
    organ_id: str | None
    roles: tuple[RoleHeld, ...] = ()
    only: frozenset[str] | None = None
    grants: tuple[GrantHeld, ...] = ()
    compiled: dict[tuple[str, str], tuple[Profile, Any]] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    def narrowed_from(self, permission: str) -> bool:
        """Whether the token used keeps ``permission`` from this actor although a role may have it."""
        return self.only is not None and permission not in self.only

    @property
    def ref(self) -> ActorRef:
        """As the ledger names them."""
        return ActorRef(id=self.id, kind=self.kind, organ_id=self.organ_id)

    @property
    def role_codes(self) -> tuple[str, ...]:
        """Codes of the roles held, each once, in order."""
        return tuple(dict.fromkeys(held.role for held in self.roles))


SYSTEM = Actor(id="system", kind="system", name="Lantai", organ_id=None)
"""The program itself: sealer, audits, jobs. It holds no role, so the gate shows it nothing."""


def actor_of(session: Session, account: Account, profile: Profile, today: date, now: datetime | None = None) -> Actor:
    """``account`` with the roles in force on ``today`` (the bureau's calendar day) and the grants in force at ``now``.

    Without ``now`` no grant counts: for deposits and other work that none is needed for. A role holds from
    ``starts_on`` and ends before ``ends_on``; one that the profile does not know permits nothing. An account that was
    closed holds no role.
    """
    held: tuple[RoleHeld, ...] = ()
    if account.active:
        rows = session.execute(
            select(AccountRole.role, Organ.id, Organ.division_prefix, Organ.level)
            .join(Organ, Organ.id == AccountRole.organ_id)
            .where(
                AccountRole.account_id == account.id,
                AccountRole.role.in_(list(profile.roles)),
                or_(AccountRole.starts_on.is_(None), AccountRole.starts_on <= today),
                or_(AccountRole.ends_on.is_(None), AccountRole.ends_on > today),
            )
            .order_by(AccountRole.seq)
        )
        held = tuple(RoleHeld(role, organ_id, prefix, level) for role, organ_id, prefix, level in rows)
    grants: tuple[GrantHeld, ...] = ()
    if held and now is not None:
        grants = (*_grants(session, account, now), *_put_before(session, account, held))
    return Actor(
        id=account.id,
        kind="account",
        name=account.display_name,
        organ_id=account.organ_id,
        roles=held,
        grants=grants,
    )


def _grants(session: Session, account: Account, now: datetime) -> list[GrantHeld]:
    """Grants of the account that have begun, have not ended and are not revoked."""
    rows = (
        session.execute(
            select(AccessGrant, AccessRequest.number)
            .join(AccessRequest, AccessRequest.id == AccessGrant.request_id)
            .where(
                AccessGrant.account_id == account.id,
                AccessGrant.ends_at > now,
                AccessGrant.starts_at <= now,
                AccessGrant.revoked_at.is_(None),
            )
            .order_by(AccessGrant.seq)
        )
        .tuples()
        .all()
    )
    named = _named(session, GrantSubject, GrantSubject.grant_id, [grant.id for grant, _ in rows])
    return [
        GrantHeld(
            id=grant.id,
            request_id=grant.request_id,
            number=number,
            permissions=frozenset(grant.permissions),
            record_ids=frozenset(named.get((grant.id, "record"), ())),
            case_file_ids=frozenset(named.get((grant.id, "case_file"), ())),
            ends_at=grant.ends_at,
        )
        for grant, number in rows
    ]


def _put_before(session: Session, account: Account, held: tuple[RoleHeld, ...]) -> list[GrantHeld]:
    """Requests of others that wait for a role this person holds, in whose divisions they fall."""
    due = [
        and_(
            AccessRequest.approver_role == one.role,
            AccessRequest.approver_division.startswith(one.division_prefix, autoescape=True),
        )
        for one in held
        if one.division_prefix
    ]
    if not due:
        return []
    rows = (
        session.execute(
            select(AccessRequest.id, AccessRequest.number)
            .where(AccessRequest.state == "submitted", AccessRequest.account_id != account.id, or_(*due))
            .order_by(AccessRequest.seq)
            .limit(_MOST_WAITING)
        )
        .tuples()
        .all()
    )
    named = _named(session, RequestSubject, RequestSubject.request_id, [request_id for request_id, _ in rows])
    return [
        GrantHeld(
            id=request_id,
            request_id=request_id,
            number=number,
            permissions=_LOOK,
            record_ids=frozenset(named.get((request_id, "record"), ())),
            case_file_ids=frozenset(named.get((request_id, "case_file"), ())),
            ends_at=None,
            waiting=True,
        )
        for request_id, number in rows
    ]


def _named(
    session: Session, table: type[GrantSubject] | type[RequestSubject], owner: Any, ids: list[str]
) -> dict[tuple[str, str], list[str]]:
    """(owner's id, kind) -> ids of the records or case files named."""
    found: dict[tuple[str, str], list[str]] = defaultdict(list)
    if ids:
        for owner_id, kind, subject_id in session.execute(
            select(owner, table.kind, table.subject_id).where(owner.in_(ids))
        ):
            found[owner_id, kind].append(subject_id)
    return found


def console_actor(session: Session, profile: Profile, user: str) -> Actor:
    """The person at the console: archivist and preservation officer over the whole holding."""
    organ_id = session.scalars(select(Organ.id).where(Organ.parent_id.is_(None)).order_by(Organ.code)).first()
    held = tuple(
        RoleHeld(code, organ_id, "", profile.roles[code].level, everywhere=True)
        for code in CONSOLE_ROLES
        if code in profile.roles
    )
    return Actor(id=f"console:{user}", kind="console", name=user, organ_id=organ_id, roles=held)


def actor_again(session: Session, ref: ActorRef, profile: Profile, today: date) -> Actor:
    """Who ``ref`` names, with the roles in force on ``today``: for work that goes on after the person has left.

    An account that is gone, the program itself and the watcher hold no role.
    """
    if ref.kind == "console":
        return console_actor(session, profile, ref.id.removeprefix("console:"))
    account = session.get(Account, ref.id) if ref.kind == "account" else None
    if account is not None:
        return actor_of(session, account, profile, today)
    return Actor(id=ref.id, kind=ref.kind, name="", organ_id=ref.organ_id)  # type: ignore[arg-type]  # a ref is made from an actor
