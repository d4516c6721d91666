"""Alarms as people find, take and close them; ``repository.alarms`` raises them.

Alarms about use are told by division: to who watches over the organ of whom they are about. Alarms about what is kept are
told to who may see the state of storage, those about the site to who may see its state; with ``alarm.handle`` they are
dealt with, too. Who reads the ledger and is told of alarms (the auditor) sees all of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, get_args

from sqlalchemy import ColumnElement, Select, and_, false, or_, select, true
from sqlalchemy.orm import Session, aliased

from access.actors import Actor
from access.deciding import allowed
from access.masking import masked
from access.register_scope import watched_organs
from metadata.errors import Conflict, Forbidden, Invalid, NotFound
from metadata.profile import Profile
from metadata.rights import Permission
from repository.alarms import AREAS, AlarmArea, say
from repository.archive import Archive
from repository.clock import parse_stamp
from repository.tables import Account, Alarm, Organ

State = Literal["waiting", "open", "handling", "closed", "all"]
"""``waiting``: not closed yet, whether or not somebody has taken it."""

STATES: tuple[State, ...] = get_args(State)

_MOST_OPEN = 20
_LONGEST_WORDS = 1000
_SEEN_WITH = {AlarmArea.PRESERVATION: Permission.FIXITY_READ, AlarmArea.SYSTEM: Permission.STATUS_READ}


@dataclass(frozen=True, slots=True)
class AlarmStep:
    """One step of what became of an alarm; ``name`` as the account is called today."""

    at: datetime
    step: str
    actor_id: str
    name: str
    words: str


@dataclass(frozen=True, slots=True)
class AlarmLine:
    """An alarm with the names known today. ``detail`` as it was when it was found last.

    ``account_name`` and ``organ_name`` are empty where it is not about an account. ``mine``: whether the reader may deal
    with it.
    """

    seq: int
    id: str
    kind: str
    area: str
    subject: str
    account_name: str
    organ_name: str
    state: str
    window: str
    detail: dict[str, Any]
    times: int
    raised_at: datetime
    last_at: datetime
    over_at: datetime | None
    taken_at: datetime | None
    taken_by: str
    closed_at: datetime | None
    closed_by: str
    remark: str
    taken_by_me: bool
    about_me: bool
    mine: bool

    @property
    def open(self) -> bool:
        """Whether it waits for somebody."""
        return self.state != "closed"

    @property
    def count(self) -> int:
        """How much was counted, where something was."""
        return int(self.detail.get("count") or 0)

    @property
    def limit(self) -> int:
        """From which number it is told, where something was counted."""
        return int(self.detail.get("limit") or 0)

    @property
    def rows(self) -> int | None:
        """Rows of lists that were taken out, where they were counted."""
        return self.detail.get("rows")


def areas(actor: Actor, profile: Profile) -> list[AlarmArea]:
    """Areas of which ``actor`` is told of alarms, somewhere; empty: none."""
    if actor.kind == "console" or _watches(actor, profile):
        return list(AlarmArea)
    seen = [area for area, permission in _SEEN_WITH.items() if allowed(actor, permission, profile)]
    return [*([AlarmArea.USE] if allowed(actor, Permission.ALARM_READ, profile) else []), *seen]


def may_read(actor: Actor, profile: Profile) -> bool:
    """Whether any alarms are told to ``actor``."""
    return bool(areas(actor, profile))


def may_handle(actor: Actor, profile: Profile, area: AlarmArea) -> bool:
    """Whether ``actor`` deals with alarms of this area, of those that she sees."""
    if actor.kind == "console":
        return True
    if area is AlarmArea.USE:
        return allowed(actor, Permission.ALARM_READ, profile)
    return all(allowed(actor, one, profile) for one in (_SEEN_WITH[area], Permission.ALARM_HANDLE))


def _watches(actor: Actor, profile: Profile) -> bool:
    return any(_prefixes(actor, profile).values())


def _prefixes(actor: Actor, profile: Profile) -> dict[str, bool]:
    """Divisions of the roles that are told of alarms about use, and whether of organs that stand nowhere, too: who reads
    the ledger watches over everybody."""
    found: dict[str, bool] = {}
    for held in actor.roles if not actor.narrowed_from(Permission.ALARM_READ) else ():
        role = profile.roles.get(held.role)
        if role is not None and held.division_prefix and Permission.ALARM_READ in role.permissions:
            watches = Permission.LEDGER_READ in role.permissions
            found[held.division_prefix] = found.get(held.division_prefix, False) or watches
    return found


def _kinds(*wanted: AlarmArea) -> list[str]:
    return [str(kind) for kind, area in AREAS.items() if area in wanted]


def _to_see(actor: Actor, profile: Profile) -> ColumnElement[bool]:
    if actor.kind == "console":
        return true()
    site = [area for area in areas(actor, profile) if area is not AlarmArea.USE]
    return or_(
        Alarm.kind.in_(_kinds(*site)) if site else false(),
        and_(Alarm.kind.in_(_kinds(AlarmArea.USE)), _about_use(_prefixes(actor, profile))),
    )


def _about_use(prefixes: dict[str, bool]) -> ColumnElement[bool]:
    criteria = [Alarm.subject.in_(_accounts(prefix, unplaced=watches)) for prefix, watches in prefixes.items()]
    if any(prefixes.values()):  # names that nobody has, and the console, belong to no organ
        criteria.append(~Alarm.subject.in_(select(Account.id)))
    return or_(*criteria) if criteria else false()


def _accounts(prefix: str, *, unplaced: bool) -> Select[tuple[str]]:
    return select(Account.id).where(Account.organ_id.in_(watched_organs(prefix, unplaced=unplaced)))


def alarms(
    session: Session,
    actor: Actor,
    profile: Profile,
    *,
    state: State = "all",
    area: AlarmArea | None = None,
    after: int | None = None,
    limit: int = 50,
) -> list[AlarmLine]:
    """Alarms that ``actor`` is told of, newest first; ``Forbidden`` for who is told of none (of the ``area``)."""
    _require(actor, profile, area)
    wanted = _lines(actor, profile).order_by(Alarm.seq.desc()).limit(limit)
    if area is not None:
        wanted = wanted.where(Alarm.kind.in_(_kinds(area)))
    if state == "waiting":
        wanted = wanted.where(Alarm.state.in_(("open", "handling")))
    elif state != "all":
        wanted = wanted.where(Alarm.state == state)
    if after:
        wanted = wanted.where(Alarm.seq < after)
    return [_line(actor, profile, *row) for row in session.execute(wanted).tuples()]


def alarm(session: Session, actor: Actor, profile: Profile, alarm_id: str) -> tuple[AlarmLine, list[AlarmStep]]:
    """One alarm with every step, oldest first; ``NotFound`` for who is not told of it."""
    _require(actor, profile, None)
    found = session.execute(_lines(actor, profile).where(Alarm.id == alarm_id)).tuples().one_or_none()
    if found is None:
        raise _not_found()
    told = found[0].told
    ids = {one["actor_id"] for one in told}
    names = dict(session.execute(select(Account.id, Account.display_name).where(Account.id.in_(ids))).tuples().all())
    steps = [
        AlarmStep(parse_stamp(one["at"]), one["step"], one["actor_id"], names.get(one["actor_id"]) or "", one["words"])
        for one in told
    ]
    return _line(actor, profile, *found), steps


def open_alarms(session: Session, actor: Actor, profile: Profile) -> list[AlarmLine]:
    """What waits for ``actor``, newest first: what she may deal with and nobody else has taken."""
    if not may_read(actor, profile):
        return []
    waiting = alarms(session, actor, profile, state="waiting", limit=5 * _MOST_OPEN)
    return [one for one in waiting if one.mine and (one.state == "open" or one.taken_by_me)][:_MOST_OPEN]


def _lines(actor: Actor, profile: Profile) -> Select[tuple[Alarm, str, str, str, str]]:
    closer, taker = aliased(Account), aliased(Account)
    return (
        select(Alarm, Account.display_name, Organ.name_zh, taker.display_name, closer.display_name)
        .outerjoin(Account, Account.id == Alarm.subject)
        .outerjoin(Organ, Organ.id == Account.organ_id)
        .outerjoin(taker, taker.id == Alarm.taken_by)
        .outerjoin(closer, closer.id == Alarm.closed_by)
        .where(_to_see(actor, profile))
    )


def _line(
    actor: Actor,
    profile: Profile,
    one: Alarm,
    name: str | None,
    organ: str | None,
    taker: str | None,
    closer: str | None,
) -> AlarmLine:
    area = AREAS.get(one.kind, AlarmArea.SYSTEM)
    about_me = one.subject == actor.id
    return AlarmLine(
        seq=one.seq,
        id=one.id,
        kind=one.kind,
        area=area.value,
        subject=one.subject,
        account_name=name or "",
        organ_name=organ or "",
        state=one.state,
        window=one.window,
        detail=one.detail,
        times=one.times,
        raised_at=one.raised_at,
        last_at=one.last_at,
        over_at=one.over_at,
        taken_at=one.taken_at,
        taken_by=taker or one.taken_by or "",
        closed_at=one.closed_at,
        closed_by=closer or one.closed_by or "",
        remark=one.remark,
        taken_by_me=one.taken_by == actor.id,
        about_me=about_me,
        mine=not about_me and may_handle(actor, profile, area),
    )


def take(session: Session, *, archive: Archive, actor: Actor, alarm_id: str, words: str = "") -> str:
    """Take an alarm in hand, over from somebody else if need be, or add ``words`` to one's own; the step that was made.

    ``NotFound`` for who is not told of it, ``Forbidden`` for who does not deal with it, ``Conflict`` when it is closed,
    or is one's own already and nothing was said.
    """
    found = _to_handle(session, archive, actor, alarm_id)
    said = _words(words)
    if found.state == "handling" and found.taken_by == actor.id:
        if not said:
            raise Conflict(
                "alarm.taken",
                zh="这条报警已由您处理中。可以写明进展，或者写明结果后关闭。",
                en="You are dealing with this alarm already. Say how it goes, or what came of it to close it.",
            )
        say(session, archive=archive, actor=actor.ref, alarm=found, step="noted", words=said)
        return "noted"
    found.state, found.taken_at, found.taken_by = "handling", archive.clock.now(), actor.id
    say(session, archive=archive, actor=actor.ref, alarm=found, step="taken", words=said)
    return "taken"


def close(session: Session, *, archive: Archive, actor: Actor, alarm_id: str, remark: str) -> None:
    """Say what came of an alarm and close it.

    ``NotFound`` for who is not told of it, ``Forbidden`` for an alarm about oneself and for who does not deal with it,
    ``Conflict`` when it is closed already, ``Invalid`` without a remark.
    """
    found = _to_handle(session, archive, actor, alarm_id)
    words = _words(remark)
    if not words:
        raise Invalid(
            "alarm.remark",
            zh=f"请写明处理结果（不超过 {_LONGEST_WORDS} 字），再关闭报警。",
            en=f"Say what came of it, in at most {_LONGEST_WORDS} characters, to close the alarm.",
        )
    found.state, found.open_as = "closed", None
    found.closed_at, found.closed_by, found.remark = archive.clock.now(), actor.id, words
    say(session, archive=archive, actor=actor.ref, alarm=found, step="closed", words=words)


def _words(text: str) -> str:
    """What was said, on one line, numbers of persons masked: it is frozen for ever."""
    words = masked(" ".join(text.split()))
    if len(words) > _LONGEST_WORDS:
        raise Invalid(
            "alarm.words",
            zh=f"处理说明不能超过 {_LONGEST_WORDS} 字，请缩短。",
            en=f"What is said of an alarm has at most {_LONGEST_WORDS} characters. Make it shorter.",
        )
    return words


def _to_handle(session: Session, archive: Archive, actor: Actor, alarm_id: str) -> Alarm:
    _require(actor, archive.profile, None)
    wanted = select(Alarm).where(Alarm.id == alarm_id, _to_see(actor, archive.profile)).with_for_update()
    found = session.scalars(wanted).one_or_none()
    if found is None:
        raise _not_found()
    if found.subject == actor.id:
        raise Forbidden(
            "alarm.own",
            zh="不能处理关于本人的报警，请由他人核查。",
            en="Nobody deals with an alarm about herself; ask somebody else to look into it.",
        )
    if not may_handle(actor, archive.profile, AREAS.get(found.kind, AlarmArea.SYSTEM)):
        raise Forbidden(
            "alarm.not_yours",
            zh="您可以查看这条报警，但不负责处理。请与长期保存管理员或系统管理员联系。",
            en="You may see this alarm, but others deal with it. Speak to the preservation officer or the system administrator.",
            permission=Permission.ALARM_HANDLE.value,
        )
    if found.state == "closed":
        raise Conflict(
            "alarm.closed",
            zh="这条报警已由他人关闭，未作更改。",
            en="Somebody has closed this alarm already; nothing was changed.",
        )
    return found


def _not_found() -> NotFound:
    return NotFound(
        "alarm.not_found",
        zh="没有这条报警，或您无权查看。请刷新列表。",
        en="There is no such alarm, or you may not see it. Reload the list.",
    )


def _require(actor: Actor, profile: Profile, area: AlarmArea | None) -> None:
    seen = areas(actor, profile)
    if not seen or (area is not None and area not in seen):
        raise Forbidden(
            "alarm.forbidden",
            zh="您的角色不能查看报警。如工作需要，请与安全审计员联系。",
            en="None of your roles is told of these alarms. Ask the auditor if your work needs it.",
            permission=Permission.ALARM_READ.value,
        )
