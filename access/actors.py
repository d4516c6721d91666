"""Who acts: an account with the roles it holds today, the console, or the program itself."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Literal

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from metadata.profile import Profile
from repository.ledger.acts import ActorRef
from repository.tables import Account, AccountRole, Organ

CONSOLE_ROLES = ("archivist", "preservation_officer")
"""What the person at the console, who holds the site's files anyway, acts as."""


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
class Actor:
    """Who acts, with the roles in force at the moment this was made; make it anew for every request.

    ``id`` is the account's id, ``console:<system user>``, ``system`` or ``watcher``. ``only``: what a token was narrowed
    to (values of ``metadata.rights.Permission``); None: whatever the roles permit.
    """

    id: str
    kind: Literal["account", "console", "system"]
    name: str
    organ_id: str | None
    roles: tuple[RoleHeld, ...] = ()
    only: frozenset[str] | None = None

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


def actor_of(session: Session, account: Account, profile: Profile, today: date) -> Actor:
    """``account`` with the roles in force on ``today`` (the bureau's calendar day).

    A role holds from ``starts_on`` and ends before ``ends_on``; one that the profile does not know permits nothing. An
    account that was closed holds no role.
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
    return Actor(id=account.id, kind="account", name=account.display_name, organ_id=account.organ_id, roles=held)


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
