"""What the gate lets somebody find, in the index's terms. The gate itself looks at every page of hits again."""

from __future__ import annotations

from collections.abc import Collection

from access.accounts import Actor
from access.gate import allowed, permission_terms
from metadata.profile import Profile
from metadata.rights import Permission
from search.documents import UNKNOWN_MARK
from search.engines.base import HOUSEHOLD, KINDS, RECORD, PermissionFilter, Scope


def permission_filter(actor: Actor, profile: Profile, kinds: Collection[str] = KINDS) -> PermissionFilter:
    """Scopes of records (what ``actor`` may read) and of case files (what the register shows), of these ``kinds``.

    A role that reaches only what belongs to its own organ is left out: it finds nothing by searching.
    """
    scopes: list[Scope] = []
    if RECORD in kinds:
        marks = tuple(profile.access_marks)
        scopes += [
            Scope(
                ("" if clause.prefix is None else clause.prefix,),
                tuple(clause.levels),
                (*(mark for mark in marks if mark not in clause.marks), UNKNOWN_MARK),
            )
            for clause in permission_terms(actor, profile).clauses
            if clause.prefix is None or clause.prefix
        ]
    if HOUSEHOLD in kinds:
        reached = [
            "" if clause.prefix is None else clause.prefix
            for clause in permission_terms(actor, profile, Permission.CASE_READ).clauses
            if clause.prefix is None or clause.prefix
        ]
        if reached:
            scopes.append(Scope(tuple(dict.fromkeys(reached)), kind=HOUSEHOLD))
    granted = permission_terms(actor, profile).record_ids if RECORD in kinds else ()
    return PermissionFilter(tuple(scopes), granted)


def may_ask_numbers(actor: Actor, profile: Profile) -> bool:
    """Whether ``actor`` may look for ID, bank and telephone numbers, whole or by their end: who may see one in clear.

    Somebody else would learn from a hit that a number he holds belongs to a household.
    """
    return allowed(actor, Permission.UNMASK, profile)
