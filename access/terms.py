"""What somebody reaches, as terms for the search index."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from access.actors import Actor
from access.reach import kept, reaches
from metadata.profile import Profile
from metadata.rights import ACCESS_LEVELS, Permission


@dataclass(frozen=True, slots=True)
class PermissionClause:
    """What one role reaches: divisions that begin with ``prefix`` (``None``: all), these levels, only these marks."""

    prefix: str | None
    levels: tuple[str, ...]
    marks: frozenset[str]


@dataclass(frozen=True, slots=True)
class GrantedClause:
    """What grants name, as far as one role permits it: these records of these levels with only these marks."""

    record_ids: tuple[str, ...]
    case_file_ids: tuple[str, ...]
    levels: tuple[str, ...]
    marks: frozenset[str]


@dataclass(frozen=True, slots=True)
class PermissionTerms:
    """What an actor may find, for the index.

    ``clauses`` is exact: one per role, joined by OR, and so is ``granted``, for what grants name besides. The other
    fields are their union for an index that knows only one product of terms: never narrower than the truth, and the
    gate checks every page of hits again. ``excluded_marks`` are marks of the profile that no role is cleared for.
    ``record_ids`` and ``case_file_ids`` are all that grants name. None of them: nothing may be found.
    """

    prefixes: tuple[str, ...]
    levels: tuple[str, ...]
    everything: bool
    excluded_marks: tuple[str, ...]
    clauses: tuple[PermissionClause, ...]
    granted: tuple[GrantedClause, ...] = ()
    record_ids: tuple[str, ...] = ()
    case_file_ids: tuple[str, ...] = ()


def permission_terms(
    actor: Actor, profile: Profile, permission: Permission = Permission.RECORD_READ
) -> PermissionTerms:
    """The terms that stand for ``visible_records`` in the index.

    What a role may see only of its own organ is left out: the index does not know organs.
    """
    return kept(actor, ("terms", permission), profile, lambda: _terms(actor, profile, permission))


def _terms(actor: Actor, profile: Profile, permission: Permission) -> PermissionTerms:
    found = reaches(actor, permission, profile)
    clauses = tuple(
        dict.fromkeys(
            PermissionClause(one.prefix, one.levels, one.marks)
            for one in found
            if one.grant is None and not one.own and one.prefix != ""
        )
    )
    granted = tuple(
        dict.fromkeys(
            GrantedClause(
                tuple(sorted(one.grant.record_ids)), tuple(sorted(one.grant.case_file_ids)), one.levels, one.marks
            )
            for one in found
            if one.grant is not None
        )
    )
    levels = _union(clause.levels for clause in clauses)
    cleared = _union(clause.marks for clause in clauses)
    return PermissionTerms(
        prefixes=tuple(dict.fromkeys(clause.prefix for clause in clauses if clause.prefix is not None)),
        levels=tuple(level for level in ACCESS_LEVELS if level in levels),
        everything=any(
            clause.prefix is None
            and set(clause.levels) == set(ACCESS_LEVELS)
            and clause.marks >= set(profile.access_marks)
            for clause in clauses
        ),
        excluded_marks=tuple(mark for mark in profile.access_marks if mark not in cleared),
        clauses=clauses,
        granted=granted,
        record_ids=tuple(sorted(_union(one.record_ids for one in granted))),
        case_file_ids=tuple(sorted(_union(one.case_file_ids for one in granted))),
    )


def _union(groups: Iterable[Iterable[str]]) -> frozenset[str]:
    return frozenset(one for group in groups for one in group)
