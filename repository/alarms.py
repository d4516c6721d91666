"""Alarms: something that a person must look at, and the record of what became of it.

Any part of the program raises one, by ``raise_alarm``, in the transaction of what it found. The same thing found again
while its alarm is open adds to that alarm and makes no other. An alarm goes from ``open`` by ``handling`` (somebody has
taken it) to ``closed``, with who, when and how; ``alarm_over`` notes that what it told of ended, which closes nothing:
a person says what came of it. Who may see and handle an alarm is decided in ``access.alarms``.

What is written to the ledger and frozen as an entity (``e/alarm``) are raising, taking, remarks, ends and closing; that
the same thing was found once more moves ``times`` and ``last_at`` in the row alone, because a part that stays down is
found so every minute.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from metadata.errors import Invalid
from metadata.identifiers import new_id
from repository import entities
from repository.archive import Archive
from repository.clock import stamp
from repository.db import insert_or
from repository.ledger import access_acts
from repository.ledger.acts import ActorRef
from repository.revisions import revise_entity
from repository.tables import Alarm

ENTITY = "alarm"
SYSTEM = ActorRef("system", "system")
_LONGEST_SUBJECT = 80


class AlarmArea(StrEnum):
    """Whose work an alarm belongs to: the watch over use, the keeping of what was taken in, the running of the site."""

    USE = "use"
    PRESERVATION = "preservation"
    SYSTEM = "system"


class AlarmKind(StrEnum):
    """What an alarm is about; what ``subject`` names is said of each. Values stand in the ledger and never change."""

    VIEWS = "bulk_views"
    """Very many files opened; an account."""
    EXPORTS = "bulk_exports"
    """Very much taken out; an account."""
    REFUSALS = "refusals"
    """Refused again and again; an account."""
    SIGN_INS = "sign_ins"
    """Wrong passwords again and again; an account, or ``unknown``."""
    DAMAGE = "damage"
    """An audit or inventory opened incidents; a replica."""
    REPLICA_CONFLICT = "replica_conflict"
    """A store holds other bytes under a key of ours; a replica."""
    PART_DOWN = "part_down"
    """A part of the site has been down for long; the part's name."""
    BACKUP_OLD = "backup_old"
    """The newest backup is too old, or there is none to be seen; the part's name, ``backup NAME``."""
    CLOCK_STEPPED = "clock_stepped"
    """The machine's clock jumped; the machine's name."""


AREAS: Mapping[str, AlarmArea] = {
    AlarmKind.VIEWS: AlarmArea.USE,
    AlarmKind.EXPORTS: AlarmArea.USE,
    AlarmKind.REFUSALS: AlarmArea.USE,
    AlarmKind.SIGN_INS: AlarmArea.USE,
    AlarmKind.DAMAGE: AlarmArea.PRESERVATION,
    AlarmKind.REPLICA_CONFLICT: AlarmArea.PRESERVATION,
    AlarmKind.PART_DOWN: AlarmArea.SYSTEM,
    AlarmKind.BACKUP_OLD: AlarmArea.SYSTEM,
    AlarmKind.CLOCK_STEPPED: AlarmArea.SYSTEM,
}


def raise_alarm(
    session: Session,
    *,
    archive: Archive,
    kind: AlarmKind,
    subject: str,
    detail: Mapping[str, str | int | None] | None = None,
    window: str = "",
) -> str:
    """The id of the open alarm of this kind about ``subject``: raised now, or found once more. The caller commits.

    ``detail``: counts, codes, and if wished a sentence for people under ``zh`` and ``en``; never a personal value, never
    a secret. It replaces what was said before. ``window``: the hour or day that a count speaks of; within one window
    the same alarm is raised once, also when it was closed meanwhile. ``Invalid`` for a subject that is empty or long.
    """
    if not 0 < len(subject) <= _LONGEST_SUBJECT:
        raise Invalid(
            "alarm.subject",
            zh=f"报警对象应为 1 至 {_LONGEST_SUBJECT} 个字符。",
            en=f"What an alarm is about has 1 to {_LONGEST_SUBJECT} characters.",
        )
    now, told = archive.clock.now(), dict(detail or {})
    known = open_alarm(session, kind, subject)
    if known is None:
        looked_into = window and session.scalar(
            select(Alarm.id).where(Alarm.kind == kind, Alarm.subject == subject, Alarm.window == window).limit(1)
        )
        if looked_into:
            return str(looked_into)
        alarm_id = _insert(session, now, kind, subject, told, window)
        if alarm_id is not None:
            alarm = session.scalars(select(Alarm).where(Alarm.id == alarm_id)).one()
            say(session, archive=archive, actor=SYSTEM, alarm=alarm, step="raised")
            return alarm_id
        known = open_alarm(session, kind, subject)  # another process was faster
        assert known is not None
    if window and known.window == window:
        return known.id
    known.times += 1
    known.last_at, known.window, known.detail = now, window, told
    if known.over_at is not None:
        known.over_at = None
        say(session, archive=archive, actor=SYSTEM, alarm=known, step="again")
    session.flush()
    return known.id


def alarm_over(session: Session, *, archive: Archive, kind: AlarmKind, subject: str) -> bool:
    """Note that what the open alarm told of has ended by itself; whether there was such an alarm. The caller commits."""
    known = open_alarm(session, kind, subject)
    if known is None or known.over_at is not None:
        return False
    known.over_at = archive.clock.now()
    say(session, archive=archive, actor=SYSTEM, alarm=known, step="over")
    return True


def open_alarm(session: Session, kind: str, subject: str, *, lock: bool = True) -> Alarm | None:
    """The alarm of this kind about ``subject`` that nobody has closed yet; ``lock``: to be changed, so locked where the
    database can, which it refuses in a session for reading."""
    wanted = select(Alarm).where(Alarm.open_as == _open_as(kind, subject))
    return session.scalars(wanted.with_for_update() if lock else wanted).one_or_none()


def say(session: Session, *, archive: Archive, actor: ActorRef, alarm: Alarm, step: str, words: str = "") -> None:
    """Add a step to the alarm's record, to the ledger (without the words), and freeze the alarm's state.

    ``step``: raised, taken, noted, over, again, closed.
    """
    now = archive.clock.now()
    line = {"at": stamp(now), "actor_id": actor.id, "step": step, "words": words}
    alarm.told = [*alarm.told, line]
    session.flush()
    about = alarm.subject if AREAS.get(alarm.kind) is AlarmArea.USE else None
    access_acts.alarm_told(
        session,
        at=now,
        actor=actor,
        alarm_id=alarm.id,
        step=step,
        kind=alarm.kind,
        subject=alarm.subject,
        account_id=about,
    )
    alarm.revision = revise_entity(
        session,
        archive=archive,
        actor=actor,
        kind=ENTITY,
        entity_id=alarm.id,
        state=entities.alarm_state(alarm),
        after=alarm.revision,
    )
    session.flush()


def open_as(alarm_kind: str, subject: str, state: str) -> str | None:
    """What keeps two open alarms about one thing apart: unique while the alarm is open, nothing afterwards."""
    return None if state == "closed" else _open_as(alarm_kind, subject)


def _open_as(kind: str, subject: str) -> str:
    return f"{kind}:{subject}"


def _insert(
    session: Session, now: datetime, kind: str, subject: str, detail: dict[str, Any], window: str
) -> str | None:
    """A new open alarm's id; nothing when another transaction has made one meanwhile."""
    statement = insert_or(session, Alarm).values(
        id=new_id(),
        kind=str(kind),
        subject=subject,
        open_as=_open_as(kind, subject),
        state="open",
        window=window,
        detail=detail,
        times=1,
        raised_at=now,
        last_at=now,
        told=[],
        remark="",
        revision=0,
    )
    done = statement.on_conflict_do_nothing(index_elements=[Alarm.open_as]).returning(Alarm.id)
    made = session.execute(done).scalar_one_or_none()
    return str(made) if made is not None else None
