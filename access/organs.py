"""Organs: bureaus, townships, villages and others, each with the divisions it answers for."""

from __future__ import annotations

import re

from sqlalchemy import select
from sqlalchemy.orm import Session

from access.actors import Actor
from access.gate import require
from metadata import divisions
from metadata.errors import Conflict, Invalid, NotFound
from metadata.identifiers import new_id
from metadata.profile import OrganLevel, Profile
from metadata.rights import Permission
from repository.archive import Archive
from repository.entities import organ_state
from repository.ledger import acts
from repository.revisions import revise_entity
from repository.tables import Organ

_CODE = re.compile(r"^[A-Za-z0-9][A-Za-z0-9._-]{0,31}$")


def organ_by_code(session: Session, code: str) -> Organ:
    """The organ with this code; ``NotFound`` (``organ.not_found``)."""
    found = session.scalars(select(Organ).where(Organ.code == code)).one_or_none()
    if found is None:
        raise NotFound(
            "organ.not_found",
            zh=f"没有代码为 {code} 的机构。请核对代码或先建立机构。",
            en=f"There is no organ with the code {code}. Check the code or create the organ first.",
            organ=code,
        )
    return found


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
    """Enter an organ; its ledger entry and first revision are in the same transaction.

    ``Invalid`` for a level the profile does not know, a division code of the wrong length or outside the superior
    organ's; ``Conflict`` for a code in use. An organ outside the division system (``OD``, ``JU``, ``HH``) has an empty
    ``division_prefix`` and reaches nothing by division.
    """
    if actor.kind == "account":
        require(actor, Permission.ACCOUNT_WRITE, archive.profile)
    if not _CODE.match(code) or not name_zh.strip():
        raise Invalid(
            "organ.malformed",
            zh="机构代码只能用字母、数字、点、横线，最长 32 位；名称不能为空。",
            en="An organ's code has letters, digits, dots and hyphens, at most 32; its name must not be empty.",
        )
    if session.scalars(select(Organ.id).where(Organ.code == code)).first() is not None:
        raise Conflict(
            "organ.exists",
            zh=f"机构代码 {code} 已被使用。请换一个代码。",
            en=f"The organ code {code} is in use. Choose another.",
            organ=code,
        )
    parent = organ_by_code(session, parent_code) if parent_code else None
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
    acts.organ_created(session, at=archive.clock.now(), actor=actor.ref, organ_id=organ.id)
    organ.revision = revise_entity(
        session,
        archive=archive,
        actor=actor.ref,
        kind="organ",
        entity_id=organ.id,
        state=organ_state(organ),
        after=organ.revision,
    )
    return organ
