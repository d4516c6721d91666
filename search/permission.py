"""What the gate lets somebody find, in the index's terms. The gate itself looks at every page of hits again."""

from __future__ import annotations

from collections.abc import Collection

from access.accounts import Actor
from access.gate import allowed, permission_terms
from metadata.profile import Profile
from metadata.rights import Permission
from search.documents import UNKNOWN_MARK
from search.engines.base import HOUSEHOLD, KINDS, RECORD, PermissionFilter, Scope


def permission_filter(
    actor: Actor, profile: Profile, kinds: Collection[str] = KINDS, *, numbers: bool = False
) -> PermissionFilter:
    """Scopes of records (what ``actor`` may read) and of case files (what the register shows), of these ``kinds``.

    ``numbers``: only those whose personal numbers she may see, for a query that asks for one.

    What grants name is found as far as its level and marks are cleared, like everything else. A role that reaches only
    what belongs to its own organ is left out: it finds nothing by searching.
    """
    scopes: list[Scope] = []
    if RECORD in kinds:
        terms = permission_terms(actor, profile, Permission.UNMASK if numbers else Permission.RECORD_READ)
        reached: list[tuple[str, tuple[str, ...], frozenset[str], tuple[str, ...] | None]] = [
            (one.prefix or "", one.levels, one.marks, None) for one in terms.clauses
        ]
        reached += [("", one.levels, one.marks, one.record_ids) for one in terms.granted if one.record_ids]
        for prefix, levels, cleared, ids in reached:
            excluded = (*(mark for mark in profile.access_marks if mark not in cleared), UNKNOWN_MARK)
            scopes.append(Scope((prefix,), levels, excluded, ids=ids))
    if HOUSEHOLD in kinds:
        terms = permission_terms(actor, profile, Permission.UNMASK if numbers else Permission.CASE_READ)
        prefixes = tuple(dict.fromkeys(one.prefix or "" for one in terms.clauses))
        if prefixes:
            scopes.append(Scope(prefixes, kind=HOUSEHOLD))
        if terms.case_file_ids:
            scopes.append(Scope(("",), kind=HOUSEHOLD, ids=terms.case_file_ids))
    return PermissionFilter(tuple(scopes))


def may_ask_numbers(actor: Actor, profile: Profile) -> bool:
    """Whether ``actor`` may look for ID, bank and telephone numbers, whole or by their end: who may see one in clear.

    Somebody else would learn from a hit that a number he holds belongs to a household; so she looks for them only among
    what she may see unmasked (``permission_filter``).
    """
    return allowed(actor, Permission.UNMASK, profile)
