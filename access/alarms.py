"""Alarms as people read and close them; ``access.use_counts`` counts and raises them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Select, and_, false, or_, select, true
from sqlalchemy.orm import Session, aliased

from access.actors import Actor
from access.gate import allowed
from access.register_scope import watched_organs
from access.use_counts import KINDS, SLOWED, export_put_off, sign_in_failed
from metadata.errors import Conflict, Forbidden, Invalid, NotFound
from metadata.profile import Profile
from metadata.rights import Permission
from repository.archive import Archive
from repository.ledger import access_acts
from repository.tables import Account, Alarm, Organ

__all__ = [
    "KINDS",
    "SLOWED",
    "AlarmLine",
    "alarms",
    "close",
    "export_put_off",
    "may_read",
    "open_alarms",
    "sign_in_failed",
]

_MOST_OPEN = 20
_LONGEST_REMARK = 1000


@dataclass(frozen=True, slots=True)
class AlarmLine:
    """An alarm with the names known today. ``count``, ``limit`` and ``rows`` as they were when it was raised."""

    seq: int
    id: str
    kind: str
    account_id: str
    account_name: str
    organ_name: str
    window: str
    count: int
    limit: int
    rows: int | None
    raised_at: datetime
    closed_at: datetime | None
    closed_by: str
    remark: str
    about_me: bool

    @property
    def open(self) -> bool:
        """Whether nobody has looked into it yet."""
        return self.closed_at is None


def may_read(actor: Actor, profile: Profile) -> bool:
    """Whether alarms are shown to ``actor``, somewhere: with ``alarm.read``, and at the console."""
    return actor.kind == "console" or allowed(actor, Permission.ALARM_READ, profile)


def _prefixes(actor: Actor, profile: Profile) -> dict[str, bool]:
    """Divisions of the roles that are told of alarms, and whether of organs that stand nowhere, too: who reads the
    ledger watches over everybody."""
    found: dict[str, bool] = {}
    for held in actor.roles if not actor.narrowed_from(Permission.ALARM_READ) else ():
        role = profile.roles.get(held.role)
        if role is not None and held.division_prefix and Permission.ALARM_READ in role.permissions:
            watches = Permission.LEDGER_READ in role.permissions
            found[held.division_prefix] = found.get(held.division_prefix, False) or watches
    return found


def _mine_to_see(actor: Actor, profile: Profile) -> ColumnElement[bool]:
    if actor.kind == "console":
        return true()
    prefixes = _prefixes(actor, profile)
    if not prefixes:
        return false()
    criteria = [Alarm.account_id.in_(_accounts(prefix, unplaced=watches)) for prefix, watches in prefixes.items()]
    if any(prefixes.values()):  # names that nobody has, and the console, belong to no organ
        criteria.append(~Alarm.account_id.in_(select(Account.id)))
    return or_(*criteria)


def _accounts(prefix: str, *, unplaced: bool) -> Select[tuple[str]]:
    return select(Account.id).where(Account.organ_id.in_(watched_organs(prefix, unplaced=unplaced)))


def alarms(
    session: Session,
    actor: Actor,
    profile: Profile,
    *,
    open_only: bool = False,
    after: int | None = None,
    limit: int = 50,
) -> list[AlarmLine]:
    """Alarms about people of the divisions that ``actor`` watches over, newest first; ``Forbidden`` for the others."""
    _require(actor, profile)
    closer = aliased(Account)
    wanted = (
        select(Alarm, Account.display_name, Organ.name_zh, closer.display_name)
        .outerjoin(Account, Account.id == Alarm.account_id)
        .outerjoin(Organ, Organ.id == Account.organ_id)
        .outerjoin(closer, closer.id == Alarm.closed_by)
        .where(_mine_to_see(actor, profile))
        .order_by(Alarm.seq.desc())
        .limit(limit)
    )
    if open_only:
        wanted = wanted.where(Alarm.closed_at.is_(None))
    if after:
        wanted = wanted.where(Alarm.seq < after)
    return [
        AlarmLine(
            seq=alarm.seq,
            id=alarm.id,
            kind=alarm.kind,
            account_id=alarm.account_id,
            account_name=name or "",
            organ_name=organ or "",
            window=alarm.window,
            count=int(alarm.detail.get("count", 0)),
            limit=int(alarm.detail.get("limit", 0)),
            rows=alarm.detail.get("rows"),
            raised_at=alarm.raised_at,
            closed_at=alarm.closed_at,
            closed_by=closed_by or alarm.closed_by or "",
            remark=alarm.remark,
            about_me=alarm.account_id == actor.id,
        )
        for alarm, name, organ, closed_by in session.execute(wanted).tuples()
    ]


def open_alarms(session: Session, actor: Actor, profile: Profile) -> list[AlarmLine]:
    """What waits to be looked into, newest first; empty for who is told of no alarms."""
    if not may_read(actor, profile):
        return []
    return alarms(session, actor, profile, open_only=True, limit=_MOST_OPEN)


def close(session: Session, *, archive: Archive, actor: Actor, alarm_id: str, remark: str) -> None:
    """Say what came of an alarm and close it.

    ``NotFound`` outside the own divisions, ``Forbidden`` for an alarm about oneself, ``Conflict`` when it is closed
    already, ``Invalid`` without a remark.
    """
    _require(actor, archive.profile)
    found = session.scalars(
        select(Alarm).where(and_(Alarm.id == alarm_id, _mine_to_see(actor, archive.profile)))
    ).one_or_none()
    if found is None:
        raise NotFound(
            "alarm.not_found",
            zh="没有这条报警，或您无权查看。请刷新列表。",
            en="There is no such alarm, or you may not see it. Reload the list.",
        )
    if found.account_id == actor.id:
        raise Forbidden(
            "alarm.own",
            zh="不能关闭关于本人的报警，请由他人核查。",
            en="Nobody closes an alarm about herself; ask somebody else to look into it.",
        )
    if found.closed_at is not None:
        raise Conflict(
            "alarm.closed",
            zh="这条报警已由他人关闭，未作更改。",
            en="Somebody has closed this alarm already; nothing was changed.",
        )
    words = " ".join(remark.split())
    if not words or len(words) > _LONGEST_REMARK:
        raise Invalid(
            "alarm.remark",
            zh=f"请写明核查结果（不超过 {_LONGEST_REMARK} 字），再关闭报警。",
            en=f"Say what came of it, in at most {_LONGEST_REMARK} characters, to close the alarm.",
        )
    now = archive.clock.now()
    found.closed_at, found.closed_by, found.remark = now, actor.id, words
    access_acts.alarm_closed(session, at=now, actor=actor.ref, alarm_id=found.id)
    session.flush()


def _require(actor: Actor, profile: Profile) -> None:
    if not may_read(actor, profile):
        raise Forbidden(
            "alarm.forbidden",
            zh="您的角色不能查看利用报警。如工作需要，请与安全审计员联系。",
            en="None of your roles is told of alarms. Ask the auditor if your work needs it.",
            permission=Permission.ALARM_READ.value,
        )
