"""Roles: granted with a beginning and an end, refused where one person may not hold both (separation of duties)."""

from __future__ import annotations

from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import Session

from access import epochs
from access.actors import Actor
from access.gate import require
from access.organs import organ_by_code, require_reach
from metadata.errors import Conflict, Forbidden, Invalid, NotFound
from metadata.profile import Profile, Role
from metadata.rights import Permission
from repository.archive import Archive
from repository.clock import local_date
from repository.entities import account_state
from repository.ledger import acts
from repository.revisions import revise_entity
from repository.tables import Account, AccountRole, Organ


def roles_of(session: Session, account_id: str) -> list[AccountRole]:
    """Every role ever held by the account, in order of grant."""
    return list(
        session.scalars(select(AccountRole).where(AccountRole.account_id == account_id).order_by(AccountRole.seq))
    )


def revise_account(session: Session, *, archive: Archive, actor: Actor, account: Account) -> None:
    """Freeze the account's state with its roles, without secrets; what it may do is compiled anew at the next request."""
    session.flush()
    epochs.moved(session, [account.id])
    account.revision = revise_entity(
        session,
        archive=archive,
        actor=actor.ref,
        kind="account",
        entity_id=account.id,
        state=account_state(account, roles_of(session, account.id)),
        after=account.revision,
    )


def _role(profile: Profile, code: str) -> Role:
    found = profile.roles.get(code)
    if found is None:
        raise Invalid(
            "role.unknown",
            zh=f"没有角色 {code}。可用：{'、'.join(profile.roles)}。",
            en=f"There is no role {code}; known are {', '.join(profile.roles)}.",
            role=code,
        )
    return found


def _overlap(one: AccountRole, starts_on: date, ends_on: date | None) -> bool:
    begins = one.starts_on or date.min
    ends = one.ends_on or date.max
    return begins < (ends_on or date.max) and starts_on < ends and begins < ends


def _refuse_clash(
    held: list[AccountRole], role: Role, organ: Organ, profile: Profile, term: tuple[date, date | None]
) -> None:
    for one in held:
        if not _overlap(one, *term):
            continue
        if one.role == role.code and one.organ_id == organ.id:
            raise Conflict(
                "role.held",
                zh=f"该帐号在机构 {organ.code} 已有角色 {role.code}。",
                en=f"The account already holds {role.code} in {organ.code}.",
                role=role.code,
                organ=organ.code,
            )
        if frozenset((one.role, role.code)) in profile.incompatible_roles:
            raise Conflict(
                "role.incompatible",
                zh=f"角色 {role.code} 与已有角色 {one.role} 不能由同一人担任（职责分离）。请先终止原角色或授予他人。",
                en=f"One person may not hold {role.code} and {one.role} (separation of duties). End the other role first, or grant it to somebody else.",
                role=role.code,
                held=one.role,
            )


def add_role(
    session: Session,
    *,
    archive: Archive,
    actor: Actor,
    account: Account,
    role: str,
    organ_code: str,
    starts_on: date | None = None,
    ends_on: date | None = None,
) -> AccountRole:
    """Insert the grant with all its checks and its ledger entry, without the account's revision."""
    if actor.kind == "account":
        require(actor, Permission.GRANT_WRITE, archive.profile)
        if actor.id == account.id:
            raise Forbidden(
                "role.own_grant",
                zh="不能给自己授予角色。请由另一位安全保密管理员办理。",
                en="Nobody grants a role to herself. Ask another security administrator.",
            )
    profile = archive.profile
    definition, organ = _role(profile, role), organ_by_code(session, organ_code)
    require_reach(session, actor, Permission.GRANT_WRITE, organ, profile)
    require_reach(session, actor, Permission.GRANT_WRITE, session.get_one(Organ, account.organ_id), profile)
    _refuse_closed(account, organ)
    if organ.level not in definition.levels:
        raise Invalid(
            "role.wrong_level",
            zh=f"角色“{definition.zh}”只能在以下层级的机构担任：{'、'.join(profile.organ_levels[one].zh for one in definition.levels)}；“{organ.name_zh}”的层级是{profile.organ_levels[organ.level].zh}。请另选机构或角色。",
            en=f"The role {definition.en} is held in organs of these levels: {', '.join(profile.organ_levels[one].en for one in definition.levels)}; {organ.code} is a {profile.organ_levels[organ.level].en}. Choose another organ or role.",
            role=role,
            organ=organ.code,
            level=organ.level,
        )
    begins = starts_on or local_date(archive.clock.now(), archive.zone)
    if ends_on is not None and ends_on <= begins:
        raise Invalid(
            "role.empty_term",
            zh="角色的终止日期必须晚于起始日期。",
            en="A role must end after it begins.",
            starts_on=begins.isoformat(),
            ends_on=ends_on.isoformat(),
        )
    _refuse_clash(roles_of(session, account.id), definition, organ, profile, (begins, ends_on))
    row = AccountRole(account_id=account.id, organ_id=organ.id, role=role, starts_on=begins, ends_on=ends_on)
    session.add(row)
    session.flush()
    now = archive.clock.now()
    acts.role_granted(session, at=now, actor=actor.ref, account_id=account.id, role=role, organ_id=organ.id)
    return row


def _refuse_closed(account: Account, organ: Organ) -> None:
    if organ.closed_at is not None or not account.active:
        raise Conflict(
            "role.closed",
            zh="帐号或机构已停用，不能授予角色。请先恢复它。",
            en="The account or the organ is closed and takes no role. Reopen it first.",
            organ=organ.code,
        )


def revoke(session: Session, *, archive: Archive, actor: Actor, account: Account, role: str, organ_code: str) -> None:
    """End a role today: it holds no longer from the next call on. ``NotFound`` when the account does not hold it."""
    if actor.kind == "account":
        require(actor, Permission.GRANT_WRITE, archive.profile)
    organ, today = organ_by_code(session, organ_code), local_date(archive.clock.now(), archive.zone)
    require_reach(session, actor, Permission.GRANT_WRITE, organ, archive.profile)
    rows = [one for one in in_force(session, account.id, today) if one.role == role and one.organ_id == organ.id]
    if not rows:
        raise NotFound(
            "role.not_held",
            zh=f"该帐号在机构 {organ.code} 没有角色 {role}。",
            en=f"The account does not hold {role} in {organ.code}.",
            role=role,
            organ=organ.code,
        )
    for row in rows:
        row.ends_on = today
    now = archive.clock.now()
    acts.role_revoked(session, at=now, actor=actor.ref, account_id=account.id, role=role, organ_id=organ.id)
    revise_account(session, archive=archive, actor=actor, account=account)


def in_force(session: Session, account_id: str, today: date) -> list[AccountRole]:
    """Roles of the account that have not ended by ``today``, those that have not begun yet among them."""
    return [one for one in roles_of(session, account_id) if one.ends_on is None or one.ends_on > today]


def end_all(session: Session, *, archive: Archive, actor: Actor, account: Account) -> None:
    """End every role of an account that is closed, so that reopening it gives none back; without the revision."""
    now = archive.clock.now()
    today = local_date(now, archive.zone)
    for row in in_force(session, account.id, today):
        row.ends_on = today
        acts.role_revoked(session, at=now, actor=actor.ref, account_id=account.id, role=row.role, organ_id=row.organ_id)


def organs_named(session: Session, rows: list[AccountRole]) -> dict[str, Organ]:
    """The organs that ``rows`` name, by id."""
    ids = {one.organ_id for one in rows}
    return {one.id: one for one in session.scalars(select(Organ).where(Organ.id.in_(ids)))} if ids else {}
