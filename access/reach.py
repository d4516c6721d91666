"""What an actor reaches with a permission, worked out once: the one truth behind decisions, criteria and index terms."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from access.actors import Actor, GrantHeld
from metadata.profile import Profile, Role
from metadata.rights import Permission

Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class Because:
    """Why something is permitted: by a role held in an organ, or by a grant (``role`` is then the one it works through)."""

    role: str
    organ_id: str | None = None
    grant: GrantHeld | None = None


@dataclass(frozen=True, slots=True)
class Reach:
    """What one role, or one grant through one role, lets somebody do.

    ``prefix``: divisions that begin with it; None: everywhere; empty: none at all. ``own``: only what belongs to the
    role's organ. With a grant the divisions say nothing: what it names counts. ``levels`` and ``marks`` of a record
    count in every case.
    """

    prefix: str | None
    own: bool
    levels: tuple[str, ...]
    marks: frozenset[str]
    because: Because

    @property
    def grant(self) -> GrantHeld | None:
        """The grant by which it reaches, if by one."""
        return self.because.grant

    def divisions(self, division_code: str, organ_id: str | None) -> bool:
        """Whether something of this division and organ lies within, by the role; never by a grant."""
        if self.because.grant is not None or (self.own and organ_id != self.because.organ_id):
            return False
        return self.prefix is None or (bool(self.prefix) and division_code.startswith(self.prefix))


def kept(actor: Actor, key: tuple[str, str], profile: Profile, make: Callable[[], Answer]) -> Answer:
    """What ``make`` worked out for this actor and profile, from the first time on."""
    known = actor.compiled.get(key)
    if known is None or known[0] is not profile:
        known = actor.compiled[key] = (profile, make())
    answer: Answer = known[1]
    return answer


def reaches(actor: Actor, permission: Permission, profile: Profile) -> tuple[Reach, ...]:
    """Everything through which ``actor`` may do ``permission``: roles first, then grants, then what waits for her."""
    return kept(actor, ("reach", permission), profile, lambda: _reaches(actor, permission, profile))


def standing(actor: Actor, permission: Permission, profile: Profile) -> tuple[Reach, ...]:
    """Those of ``reaches`` that come of roles alone."""
    return kept(
        actor,
        ("standing", permission),
        profile,
        lambda: tuple(one for one in reaches(actor, permission, profile) if one.grant is None),
    )


def by_subject(actor: Actor, permission: Permission, profile: Profile) -> dict[str, list[Reach]]:
    """Those of ``reaches`` that come of grants, by the id of each record and case file that they name."""

    def made() -> dict[str, list[Reach]]:
        found: dict[str, list[Reach]] = {}
        for one in reaches(actor, permission, profile):
            if one.grant is not None:
                for subject_id in one.grant.record_ids | one.grant.case_file_ids:
                    found.setdefault(subject_id, []).append(one)
        return found

    return kept(actor, ("subjects", permission), profile, made)


def _reaches(actor: Actor, permission: Permission, profile: Profile) -> tuple[Reach, ...]:
    if actor.narrowed_from(permission):
        return ()
    found: list[Reach] = []
    for held in actor.roles:
        role = profile.roles.get(held.role)
        if role is None or (permission not in role.permissions and permission not in role.own):
            continue
        prefix = None if held.everywhere else held.division_prefix
        own = permission not in role.permissions
        found.append(_reach(prefix, own, role, Because(held.role, held.organ_id)))
    for grant in actor.grants:
        if permission in grant.permissions:
            roles = (profile.roles.get(code) for code in actor.role_codes)
            found += [
                _reach("", False, role, Because(role.code, grant=grant))
                for role in roles
                if role is not None and permission in role.on_grant
            ]
    return tuple(found)


def _reach(prefix: str | None, own: bool, role: Role, because: Because) -> Reach:
    return Reach(prefix, own, tuple(role.access_levels), frozenset(role.marks), because)
