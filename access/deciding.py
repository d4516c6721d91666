"""May she, and why: decisions in memory, from what an actor reaches."""

from __future__ import annotations

from collections.abc import Iterator

from access.actors import Actor
from access.reach import Because, Reach, by_subject, reaches, standing
from metadata.errors import Forbidden
from metadata.profile import Profile
from metadata.rights import Permission
from repository.tables import CaseFile, Record


def allowed(actor: Actor, permission: Permission, profile: Profile) -> bool:
    """Whether ``actor`` may do ``permission`` at all; where, ``decide`` and the criteria say."""
    return bool(reaches(actor, permission, profile))


def require(actor: Actor, permission: Permission, profile: Profile) -> None:
    """``Forbidden`` (``access.forbidden``) unless ``allowed``."""
    if not allowed(actor, permission, profile):
        raise Forbidden(
            "access.forbidden",
            zh="您的角色没有这项权限。如工作需要，请向安全保密管理员申请。",
            en="None of your roles permits this. Ask the security administrator if your work needs it.",
            permission=permission.value,
        )


def allowed_at(
    actor: Actor, permission: Permission, profile: Profile, *, division_code: str, organ_id: str | None = None
) -> bool:
    """Whether a role permits ``permission`` on something of this division (and organ): describe, accept.

    For one record ask ``decide``, which knows grants, level and marks.
    """
    return any(one.divisions(division_code, organ_id) for one in reaches(actor, permission, profile))


def decide(actor: Actor, record: Record, permission: Permission, profile: Profile) -> Because | None:
    """Why ``actor`` may do ``permission`` on ``record``, or None: the same answer as ``visible_records``, in memory.

    A role counts before a grant, and a grant before a request that waits for her.
    """
    marks, level = record.access_marks, record.access_level
    if record.state != "active" or not isinstance(marks, list):
        return None
    for one in _reaching(actor, permission, profile, record):
        if level in one.levels and one.marks.issuperset(marks):
            return one.because
    return None


def decide_case(
    actor: Actor, case: CaseFile, profile: Profile, permission: Permission = Permission.CASE_READ
) -> Because | None:
    """Why ``actor`` may see the case file, or None: the same answer as ``visible_cases``, in memory."""
    found = next(_reaching(actor, permission, profile, case), None)
    return None if found is None else found.because


def _reaching(actor: Actor, permission: Permission, profile: Profile, subject: Record | CaseFile) -> Iterator[Reach]:
    """Roles in whose divisions ``subject`` lies, then grants that name it."""
    division_code, organ_id = subject.division_code, subject.organ_id
    for one in standing(actor, permission, profile):
        if one.divisions(division_code, organ_id):
            yield one
    if actor.grants:
        yield from by_subject(actor, permission, profile).get(subject.id, ())
