"""Whose looks somebody may read in the use register, and whose names."""

from __future__ import annotations

from sqlalchemy import ColumnElement, Select, and_, exists, false, or_, select, true
from sqlalchemy.orm import Session, aliased

from access.actors import Actor, RoleHeld
from access.gate import visible_cases, visible_records
from access.reach import kept
from access.scope import within_divisions
from metadata.profile import Profile
from metadata.rights import Permission
from repository.tables import CaseFile, LedgerEntry, Organ, Record


def watched_organs(prefix: str, *, unplaced: bool) -> Select[tuple[str]]:
    """Ids of the organs within these divisions, and of those without a division that stand below one of them.

    ``unplaced``: also of those that stand below none, such as another department or a court.
    """
    above = aliased(Organ)
    below = select(above.id).where(within_divisions(above.division_prefix, prefix))
    nowhere = Organ.parent_id.is_(None) if unplaced else false()
    return select(Organ.id).where(
        or_(
            within_divisions(Organ.division_prefix, prefix),
            (Organ.division_prefix == "") & or_(Organ.parent_id.in_(below), nowhere),
        )
    )


def _reading(actor: Actor, profile: Profile) -> list[tuple[RoleHeld, bool]]:
    """Roles that read the register, and whether they watch over use: such a role sees every entry of its divisions."""
    if actor.narrowed_from(Permission.USE_REGISTER_READ):
        return []
    found = []
    for held in actor.roles:
        role = profile.roles.get(held.role)
        if role is not None and Permission.USE_REGISTER_READ in role.permissions:
            found.append((held, Permission.LEDGER_READ in role.permissions))
    return found


def readable(actor: Actor, profile: Profile) -> ColumnElement[bool]:
    """The criterion on ``LedgerEntry``: the own looks, those by organs of the divisions, and those at what one may see.

    A role that reads the ledger too sees the looks at everything in its divisions, whatever its level: an entry bears
    ids and no content. For the others an entry must not tell that something is there.
    """
    return kept(actor, ("register", "read"), profile, lambda: _readable(actor, profile))


def _readable(actor: Actor, profile: Profile) -> ColumnElement[bool]:
    criteria: list[ColumnElement[bool]] = [LedgerEntry.actor_id == actor.id]
    for held, watches in _reading(actor, profile):
        if held.everywhere:
            return true()
        if not held.division_prefix:
            continue
        criteria.append(LedgerEntry.organ_id.in_(watched_organs(held.division_prefix, unplaced=False)))
        if watches:
            nowhere = LedgerEntry.organ_id.in_(watched_organs(held.division_prefix, unplaced=True))
            criteria.append(and_(nowhere, LedgerEntry.record_id.is_(None), LedgerEntry.case_file_id.is_(None)))
            criteria.append(_about_record(within_divisions(Record.division_code, held.division_prefix)))
            criteria.append(_about_case(within_divisions(CaseFile.division_code, held.division_prefix)))
    if len(criteria) > 1:
        criteria.append(_about_record(visible_records(actor, profile)))
        criteria.append(_about_case(visible_cases(actor, profile)))
    return or_(*criteria)


def _about_record(criterion: ColumnElement[bool]) -> ColumnElement[bool]:
    """Row by row through the primary key: the register is read from its end, and the holding is large."""
    return exists().where(Record.id == LedgerEntry.record_id, criterion)


def _about_case(criterion: ColumnElement[bool]) -> ColumnElement[bool]:
    return exists().where(CaseFile.id == LedgerEntry.case_file_id, criterion)


def organs_named(session: Session, actor: Actor, profile: Profile) -> dict[str, str]:
    """Organs whose people the reader may know by name, ``id -> name``; her own always. Kept with the actor."""
    return kept(actor, ("organs named", ""), profile, lambda: _organs_named(session, actor, profile))


def _organs_named(session: Session, actor: Actor, profile: Profile) -> dict[str, str]:
    criteria: list[ColumnElement[bool]] = [Organ.id == actor.organ_id]
    for held, watches in _reading(actor, profile):
        if held.everywhere:
            criteria = [true()]
            break
        if held.division_prefix:
            criteria.append(Organ.id.in_(watched_organs(held.division_prefix, unplaced=watches)))
    wanted = select(Organ.id, Organ.name_zh).where(or_(*criteria)).order_by(Organ.code)
    return dict(session.execute(wanted).tuples().all())


def hidden_cases(session: Session, actor: Actor, profile: Profile, case_file_ids: set[str]) -> set[str]:
    """Those of ``case_file_ids`` that nothing may tell the reader of: neither a role nor a grant shows them to her.

    A refused look at a household number bears the id of the file it meant, for who watches over use. Whoever guessed the
    number must not learn from her own line that the file is there.
    """
    known: list[ColumnElement[bool]] = [visible_cases(actor, profile)]
    for held, watches in _reading(actor, profile):
        if held.everywhere:
            return set()
        if watches and held.division_prefix:
            known.append(within_divisions(CaseFile.division_code, held.division_prefix))
    if not case_file_ids:
        return set()
    shown = session.scalars(select(CaseFile.id).where(CaseFile.id.in_(case_file_ids), or_(*known)))
    return case_file_ids - set(shown)


def name_masked(name: str) -> str:
    """The first character of a name, for who has nothing to do with the person: 王＊＊."""
    return f"{name[:1]}＊＊" if name else ""
