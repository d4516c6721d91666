"""What every route asks of whoever comes: the rights it needs, and the thing it speaks of.

A rule names rights, never roles: who gets through follows from the roles of the profile (``expected``). A route without
a rule fails ``test_routes.py``; so does a rule without a route. The rules stand by room in ``route_rules_*``.

Situations say where a record lies as seen from the organ of the person, and whether a grant names it:

    own, below, above, other          no grant; the record lies in the organ's own division, below, above, elsewhere
    granted, expired, withdrawn       it lies elsewhere, and a grant in force, ended or revoked names it

Kinds of record: plain (internal), restricted, marked (names an informant). A cell is left out where it makes no sense:
what lies below a village, or around an organ that stands in no division; kinds of what is no record, or is out of reach
whatever its kind; where a thing lies for a route that speaks of no record or case file (there a grant still counts, for
what may be done at all), and an ended grant there for a role that no grant gives anything.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from metadata.profile import Profile, Role
from metadata.rights import Permission

P = Permission

SITUATIONS = ("own", "below", "above", "other", "granted", "expired", "withdrawn")
KINDS = ("plain", "restricted", "marked")
MARK = "informant"
NOBODY = ""
SLOWED = 429  # whoever takes out very much waits; she has passed the gate

RECORD, CASE = "record", "case"


@dataclass(frozen=True)
class Rule:
    """``all_of`` and ``any_of``: rights needed, on the ``thing`` or, without one, at all; neither: whoever is signed in.

    ``of_holder``: rights needed at all besides. ``ok``: what is answered who gets through. ``public``: nobody needs to
    sign in. ``names``: ids of what one may not see stand in the answer by right (the use register, incidents).
    ``refused``: further answers to who may not, of a form that is read before anybody is asked who she is.
    """

    all_of: tuple[P, ...] = ()
    any_of: tuple[P, ...] = ()
    thing: str = ""
    of_holder: tuple[P, ...] = ()
    ok: tuple[int, ...] = (200,)
    public: bool = False
    names: bool = False
    refused: tuple[int, ...] = ()


@dataclass(frozen=True)
class Cell:
    """One person in one situation before one kind of thing; ``prefix``: the divisions of her organ."""

    role: str
    situation: str
    kind: str


def cells(rule: Rule, profile: Profile, prefixes: dict[str, str]) -> Iterator[Cell]:
    """Every cell of a route that makes sense."""
    yield Cell(NOBODY, "own", "plain")
    for role in profile.roles:
        prefix = prefixes[role]
        for situation in SITUATIONS:
            if situation in {"own", "below", "above"} and rule.thing and not prefix:
                continue
            if situation == "below" and len(prefix) == 12:
                continue
            if situation in {"below", "above", "other"} and not rule.thing:
                continue
            if situation in {"expired", "withdrawn"} and not rule.thing and not profile.roles[role].on_grant:
                continue
            for kind in KINDS if rule.thing == RECORD and situation in {"own", "granted"} else KINDS[:1]:
                yield Cell(role, situation, kind)


def holds(role: Role, permission: P, situation: str) -> bool:
    """Whether the matrix permits it at all."""
    return permission in role.permissions or (permission in role.on_grant and situation == "granted")


def reaches(role: Role, permission: P, rule: Rule, cell: Cell) -> bool:
    """Whether the matrix permits it on the thing."""
    standing = permission in role.permissions and cell.situation in {"own", "below"}
    if not standing and not (permission in role.on_grant and cell.situation == "granted"):
        return False
    if rule.thing != RECORD:
        return True
    cleared = cell.kind != "restricted" or "restricted" in role.access_levels
    return cleared and (cell.kind != "marked" or MARK in role.marks)


def opens(rule: Rule, profile: Profile, cell: Cell) -> bool:
    """Whether a person who is signed in gets through."""
    role = profile.roles[cell.role]
    if rule.thing:
        on_thing = [reaches(role, one, rule, cell) for one in rule.all_of]
        at_all = [holds(role, one, cell.situation) for one in rule.of_holder]
        return all((*on_thing, *at_all))
    may_all = all(holds(role, one, cell.situation) for one in rule.all_of)
    return may_all and (not rule.any_of or any(holds(role, one, cell.situation) for one in rule.any_of))


def expected(method: str, path: str, rule: Rule, profile: Profile, cell: Cell) -> set[int]:
    """The answers that are right.

    Where a thing is asked for, 403 may stand for 404 only if it tells nothing: to who lacks the right altogether, and to
    who sees the thing and may do no more with it.
    """
    if rule.public:
        return set(rule.ok)
    if cell.role == NOBODY:
        return {401, 303} if method == "GET" else {401, 303, 400, 403, 412, 422}
    if opens(rule, profile, cell):
        return {*rule.ok, SLOWED}
    if not rule.thing:
        return {403, *rule.refused}
    role = profile.roles[cell.role]
    lacks = not all(holds(role, one, cell.situation) for one in (*rule.all_of, *rule.of_holder))
    sees = reaches(role, P.CASE_READ if rule.thing == CASE else P.RECORD_READ, rule, cell)
    return {403, 404, *rule.refused} if lacks or sees else {404, *rule.refused}


def at_all(*needed: P, ok: int | tuple[int, ...] = 200, names: bool = False) -> Rule:
    """Rights needed at all, every one of them."""
    return Rule(all_of=needed, ok=(ok,) if isinstance(ok, int) else ok, names=names)


def any_one(*needed: P, ok: int | tuple[int, ...] = 200, names: bool = False) -> Rule:
    """Rights of which one is needed at all."""
    return Rule(any_of=needed, ok=(ok,) if isinstance(ok, int) else ok, names=names)


def on_record(*needed: P, ok: int | tuple[int, ...] = 200, of_holder: tuple[P, ...] = ()) -> Rule:
    """Rights needed on a record."""
    return Rule(needed, thing=RECORD, of_holder=of_holder, ok=(ok,) if isinstance(ok, int) else ok)


def on_case(*needed: P, ok: int | tuple[int, ...] = 200, of_holder: tuple[P, ...] = ()) -> Rule:
    """Rights needed on a case file, besides seeing it."""
    return Rule((P.CASE_READ, *needed), thing=CASE, of_holder=of_holder, ok=(ok,) if isinstance(ok, int) else ok)


PUBLIC = Rule(public=True)
EVERYBODY = Rule()
DEPOSITS = at_all(P.DEPOSIT)
OWN_DEPOSIT = any_one(P.DEPOSIT, P.ACCEPT, ok=404)  # the tests name a deposit that is not there
READS = on_record(P.RECORD_READ)
TAKES = on_record(P.RECORD_READ, P.RECORD_DOWNLOAD)
LISTS = at_all(P.RECORD_LIST)
SEES = on_case()
FIXITY = at_all(P.FIXITY_READ)
REGISTER = any_one(P.USE_REGISTER_OWN, P.USE_REGISTER_READ, names=True)
