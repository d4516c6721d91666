"""Organs: a tree of bureaus, townships, villages and others, each with the divisions it answers for.

Whoever keeps organs does so within the divisions of her own role (``within_reach``). Moving an organ never gives anybody
sight of more: the divisions of an organ where roles are in force stay as they are (``organ.roles_held``).
"""

from __future__ import annotations

import re

from sqlalchemy import ColumnElement, and_, false, func, or_, select, true
from sqlalchemy.orm import Session, aliased

from access import epochs
from access.actors import Actor
from access.gate import require
from access.reach import kept
from access.scope import within_divisions
from metadata import divisions, idcard
from metadata.errors import Conflict, Invalid, NotFound
from metadata.identifiers import new_id
from metadata.profile import OrganLevel, Profile
from metadata.rights import Permission
from repository.archive import Archive
from repository.clock import local_date
from repository.entities import organ_state
from repository.ledger import access_acts, acts
from repository.revisions import revise_entity
from repository.tables import Account, AccountRole, Organ

UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ud800-\udfff\ufeff]")
"""What stands in no name: control characters, marks that turn the direction of writing, halves of pairs."""
NAME = 200
"""Characters that a name may have."""
_CODE = re.compile(r"^[A-Za-z0-9][A-Za-z0-9._-]{0,31}\Z")


def organ_by_code(session: Session, code: str) -> Organ:
    """The organ with this code; ``NotFound`` (``organ.not_found``)."""
    found = session.scalars(select(Organ).where(Organ.code == code)).one_or_none()
    if found is None:
        raise _unknown(code)
    return found


def superior_code(session: Session, organ: Organ) -> str | None:
    """The code of the organ above, none at the top."""
    return session.scalar(select(Organ.code).where(Organ.id == organ.parent_id)) if organ.parent_id else None


def within_reach(actor: Actor, permission: Permission, profile: Profile) -> ColumnElement[bool]:
    """The criterion on ``Organ`` for those that ``actor`` administers with ``permission``: of her divisions, and those
    without a division that stand below one of them or below none."""
    return kept(actor, ("within reach", permission), profile, lambda: _within_reach(actor, permission, profile))


def _within_reach(actor: Actor, permission: Permission, profile: Profile) -> ColumnElement[bool]:
    if actor.kind in {"console", "system"}:
        return true()
    prefixes = {
        held.division_prefix
        for held in actor.roles
        if held.division_prefix
        and (role := profile.roles.get(held.role)) is not None
        and permission in role.permissions
        and not actor.narrowed_from(permission)
    }
    if not prefixes:
        return false()
    top, below = aliased(Organ), aliased(Organ)
    reached = (
        select(top.id)
        .where(
            or_(
                *(within_divisions(top.division_prefix, one) for one in sorted(prefixes)),
                and_(top.division_prefix == "", top.parent_id.is_(None)),
            )
        )
        .cte("reached", recursive=True)
    )
    reached = reached.union(select(below.id).where(below.division_prefix == "", below.parent_id == reached.c.id))
    return Organ.id.in_(select(reached.c.id))


def require_reach(session: Session, actor: Actor, permission: Permission, organ: Organ, profile: Profile) -> None:
    """``Forbidden`` unless ``actor`` may do ``permission`` at all; ``NotFound`` when ``organ`` lies outside her reach."""
    if actor.kind in {"console", "system"}:
        return
    require(actor, permission, profile)
    wanted = select(Organ.id).where(Organ.id == organ.id, within_reach(actor, permission, profile))
    if session.scalar(wanted) is None:
        raise _unknown(organ.code)


def _unknown(code: str) -> NotFound:
    return NotFound(
        "organ.not_found",
        zh=f"没有代码为 {code[:32]} 的机构。请核对代码或先建立机构。",
        en=f"There is no organ with the code {code[:32]}. Check the code or create the organ first.",
        organ=code[:32],
    )


def _level(profile: Profile, level: str) -> OrganLevel:
    found = profile.organ_levels.get(level)
    if found is None:
        raise Invalid(
            "organ.unknown_level",
            zh=f"没有机构层级 {level}。可用：{'、'.join(profile.organ_levels)}。",
            en=f"There is no organ level {level}; known are {', '.join(profile.organ_levels)}.",
            level=level,
        )
    return found


def _checked_prefix(level: OrganLevel, prefix: str, parent: Organ | None) -> str:
    prefix = divisions.checked(prefix) if prefix else ""
    expected = level.division_digits
    if expected and len(prefix) not in expected:
        digits = "、".join(str(one) for one in expected)
        raise Invalid(
            "organ.wrong_division",
            zh=f"层级 {level.code}（{level.zh}）的区划代码应为 {digits} 位。请改正。",
            en=f"The division code of level {level.code} ({level.en}) has {', '.join(map(str, expected))} digits. Correct it.",
            level=level.code,
            division_prefix=prefix,
        )
    if parent is not None and prefix and parent.division_prefix and not prefix.startswith(parent.division_prefix):
        raise Invalid(
            "organ.outside_parent",
            zh=f"区划代码 {prefix} 不在上级机构 {parent.code} 的辖区 {parent.division_prefix} 之内。请改正。",
            en=f"The division {prefix} lies outside {parent.division_prefix} of the superior organ {parent.code}. Correct it.",
            division_prefix=prefix,
            parent=parent.code,
        )
    return prefix


def create_organ(
    session: Session,
    *,
    archive: Archive,
    actor: Actor,
    code: str,
    name_zh: str,
    level: str,
    division_prefix: str,
    parent_code: str | None = None,
    name_en: str = "",
) -> Organ:
    """Enter an organ; its ledger entry and first revision are in the same transaction, and every permit is made anew.

    ``Invalid`` for a level the profile does not know, a division code of the wrong length or outside the superior
    organ's; ``Conflict`` for a code in use. An organ outside the division system (``OD``, ``JU``, ``HH``) has an empty
    ``division_prefix`` and reaches nothing by division.
    """
    if actor.kind == "account":
        require(actor, Permission.ACCOUNT_WRITE, archive.profile)
    _check_words(code, name_zh, name_en)
    if session.scalars(select(Organ.id).where(Organ.code == code)).first() is not None:
        raise Conflict(
            "organ.exists",
            zh=f"机构代码 {code} 已被使用。请换一个代码。",
            en=f"The organ code {code} is in use. Choose another.",
            organ=code,
        )
    parent = _superior(session, archive, actor, parent_code)
    organ = Organ(
        id=new_id(),
        code=code,
        name_zh=name_zh.strip(),
        name_en=name_en.strip(),
        level=level,
        division_prefix=_checked_prefix(_level(archive.profile, level), division_prefix, parent),
        parent_id=parent.id if parent else None,
    )
    session.add(organ)
    session.flush()
    require_reach(session, actor, Permission.ACCOUNT_WRITE, organ, archive.profile)
    acts.organ_created(session, at=archive.clock.now(), actor=actor.ref, organ_id=organ.id)
    _revise(session, archive, actor, organ)
    return organ


def _superior(session: Session, archive: Archive, actor: Actor, code: str | None) -> Organ | None:
    if not code:
        return None
    parent = organ_by_code(session, code)
    require_reach(session, actor, Permission.ACCOUNT_WRITE, parent, archive.profile)
    if parent.closed_at is not None:
        raise Conflict(
            "organ.closed",
            zh=f"机构 {parent.code} 已停用。请先恢复它，或选用在用的机构。",
            en=f"The organ {parent.code} is closed. Reopen it first, or choose one that is in use.",
            organ=parent.code,
        )
    return parent


def _check_words(code: str, name_zh: str, name_en: str) -> None:
    named = name_zh.strip()
    bad_number = next(iter(idcard.find_all(f"{name_zh} {name_en}")), None) is not None
    bad = bad_number or UNPRINTABLE.search(f"{name_zh}{name_en}")
    if not _CODE.match(code) or not named or bad or max(len(named), len(name_en.strip())) > NAME:
        raise Invalid(
            "organ.malformed",
            zh=f"机构代码只能用字母、数字、点、横线，最长 32 位；名称须为 1 至 {NAME} 字，不能含身份证号码。",
            en=f"An organ's code has letters, digits, dots and hyphens, at most 32; its name has 1 to {NAME} characters and holds no ID number.",
        )


def _revise(session: Session, archive: Archive, actor: Actor, organ: Organ) -> None:
    """Freeze the organ's state; what anybody may do is compiled anew, for organs concern everybody."""
    session.flush()
    organ.revision = revise_entity(
        session,
        archive=archive,
        actor=actor.ref,
        kind="organ",
        entity_id=organ.id,
        state=organ_state(organ),
        after=organ.revision,
    )
    epochs.moved(session)


def _mine(session: Session, archive: Archive, actor: Actor, code: str, seen: int | None) -> Organ:
    """The organ to be changed; ``Conflict`` (``organ.changed_meanwhile``) when it is not as ``seen`` (a revision)."""
    if actor.kind == "account":
        require(actor, Permission.ACCOUNT_WRITE, archive.profile)
    organ = organ_by_code(session, code)
    require_reach(session, actor, Permission.ACCOUNT_WRITE, organ, archive.profile)
    if seen is not None and seen != organ.revision:
        raise Conflict(
            "organ.changed_meanwhile",
            zh=f"机构 {code} 刚被别人改过，没有做任何更改。请刷新后再改。",
            en=f"Somebody changed the organ {code} meanwhile; nothing was changed. Reload and change it again.",
            organ=code,
        )
    return organ


def rename_organ(
    session: Session,
    *,
    archive: Archive,
    actor: Actor,
    code: str,
    name_zh: str,
    name_en: str = "",
    seen: int | None = None,
) -> Organ:
    """Give an organ another name; what was deposited before keeps the name of its time."""
    organ = _mine(session, archive, actor, code, seen)
    _check_words(code, name_zh, name_en)
    if (organ.name_zh, organ.name_en) == (name_zh.strip(), name_en.strip()):
        return organ
    organ.name_zh, organ.name_en = name_zh.strip(), name_en.strip()
    _told(session, archive, actor, organ, "renamed")
    return organ


def _told(session: Session, archive: Archive, actor: Actor, organ: Organ, change: str) -> None:
    access_acts.organ_changed(session, at=archive.clock.now(), actor=actor.ref, organ_id=organ.id, change=change)
    _revise(session, archive, actor, organ)


def move_organ(
    session: Session,
    *,
    archive: Archive,
    actor: Actor,
    code: str,
    parent_code: str | None,
    division_prefix: str | None = None,
    level: str | None = None,
    seen: int | None = None,
) -> Organ:
    """Put an organ below another, or give it other divisions or another level; None leaves these two.

    ``Conflict``: ``organ.circle`` below itself; ``organ.roles_held`` for other divisions or another level while roles are
    in force there (the console may: divisions are renumbered by law); ``organ.below_outside`` when an organ below it
    would lie outside. ``Invalid`` as in ``create_organ``.
    """
    organ = _mine(session, archive, actor, code, seen)
    parent = _superior(session, archive, actor, parent_code)
    _refuse_circle(session, organ, parent)
    wanted_level = level or organ.level
    wanted = organ.division_prefix if division_prefix is None else division_prefix
    prefix = _checked_prefix(_level(archive.profile, wanted_level), wanted, parent)
    if (prefix, wanted_level) != (organ.division_prefix, organ.level):
        if actor.kind != "console":
            _refuse_held(session, archive, organ)
        _refuse_below(session, organ, prefix)
    organ.parent_id, organ.division_prefix, organ.level = parent.id if parent else None, prefix, wanted_level
    session.flush()
    require_reach(session, actor, Permission.ACCOUNT_WRITE, organ, archive.profile)
    _told(session, archive, actor, organ, "moved")
    return organ


def _refuse_circle(session: Session, organ: Organ, parent: Organ | None) -> None:
    above = parent
    while above is not None:
        if above.id == organ.id:
            raise Conflict(
                "organ.circle",
                zh=f"机构 {organ.code} 不能隶属于自己或自己的下级。请另选上级机构。",
                en=f"The organ {organ.code} cannot stand below itself or its own subordinates. Choose another superior.",
                organ=organ.code,
            )
        above = session.get(Organ, above.parent_id) if above.parent_id else None


def _refuse_held(session: Session, archive: Archive, organ: Organ) -> None:
    today = local_date(archive.clock.now(), archive.zone)
    held = session.scalar(
        select(func.count())
        .select_from(AccountRole)
        .where(AccountRole.organ_id == organ.id, or_(AccountRole.ends_on.is_(None), AccountRole.ends_on > today))
    )
    if held:
        raise Conflict(
            "organ.roles_held",
            zh=f"机构 {organ.code} 还有 {held} 个有效角色，改区划或层级会改变他们能看到的档案。请先由安全保密管理员终止这些角色，或在控制台办理。",
            en=f"{held} roles are in force in the organ {organ.code}; other divisions or another level would change what they see. Have the security administrator end them first, or use the console.",
            organ=organ.code,
            roles=held,
        )


def _refuse_below(session: Session, organ: Organ, prefix: str) -> None:
    outside = session.scalar(
        select(Organ.code)
        .where(
            Organ.parent_id == organ.id,
            Organ.division_prefix != "",
            func.substr(Organ.division_prefix, 1, len(prefix)) != prefix,
        )
        .limit(1)
    )
    if prefix and outside is not None:
        raise Conflict(
            "organ.below_outside",
            zh=f"下级机构 {outside} 的区划不在 {prefix} 之内。请先调整下级机构。",
            en=f"The organ {outside} below it lies outside the division {prefix}. Move that one first.",
            organ=outside,
            division_prefix=prefix,
        )


def close_organ(session: Session, *, archive: Archive, actor: Actor, code: str, seen: int | None = None) -> Organ:
    """Close an organ in which nobody works any more; what it deposited stays under its name.

    ``Conflict`` (``organ.not_empty``) while open accounts, roles in force or open organs below it are left. Harmless
    when repeated.
    """
    organ = _mine(session, archive, actor, code, seen)
    if organ.closed_at is not None:
        return organ
    today = local_date(archive.clock.now(), archive.zone)
    people = select(func.count()).select_from(Account).where(Account.organ_id == organ.id, Account.active)
    held = (
        select(func.count())
        .select_from(AccountRole)
        .where(AccountRole.organ_id == organ.id, or_(AccountRole.ends_on.is_(None), AccountRole.ends_on > today))
    )
    below = select(func.count()).select_from(Organ).where(Organ.parent_id == organ.id, Organ.closed_at.is_(None))
    left = [session.scalar(one) or 0 for one in (people, held, below)]
    if any(left):
        raise Conflict(
            "organ.not_empty",
            zh=f"机构 {code} 还有 {left[0]} 个在用帐号、{left[1]} 个有效角色、{left[2]} 个下级机构，不能停用。请先停用或移走它们。",
            en=f"The organ {code} still has {left[0]} open accounts, {left[1]} roles in force and {left[2]} organs below it. Close or move them first.",
            organ=code,
        )
    organ.closed_at = archive.clock.now()
    _told(session, archive, actor, organ, "closed")
    return organ


def reopen_organ(session: Session, *, archive: Archive, actor: Actor, code: str, seen: int | None = None) -> Organ:
    """Take an organ into use again. Harmless when repeated."""
    organ = _mine(session, archive, actor, code, seen)
    if organ.closed_at is not None:
        organ.closed_at = None
        _told(session, archive, actor, organ, "reopened")
    return organ
