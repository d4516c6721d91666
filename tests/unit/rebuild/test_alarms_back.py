"""Alarms and every step of their handling come back with a rebuild."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from access import alarms
from access.actors import Actor, RoleHeld
from metadata.identifiers import new_id
from metadata.profile import builtin
from repository import pending
from repository.alarms import AlarmKind, raise_alarm
from repository.ledger.seal import seal
from repository.rebuild import rebuild
from repository.tables import Alarm

OFFICER = Actor(new_id(), "account", "某人", None, (RoleHeld("preservation_officer", None, "990101", "CB"),))


def test_open_and_closed_alarms_come_back_with_their_course(county: Any) -> None:
    archive = county.archive
    with archive.sessions.begin() as session:
        ended = raise_alarm(session, archive=archive, kind=AlarmKind.BACKUP_OLD, subject="backup", detail={"days": 9})
        alarms.take(session, archive=archive, actor=OFFICER, alarm_id=ended, words="已通知")
        alarms.close(session, archive=archive, actor=OFFICER, alarm_id=ended, remark="已补做备份")
        again = raise_alarm(session, archive=archive, kind=AlarmKind.BACKUP_OLD, subject="backup", detail={"days": 1})
    seal(archive)
    pending.write_pending_objects(archive)
    fresh = county.fresh()
    report = rebuild(fresh, "b", present=archive.reading)
    assert report.counts["alarms"] == 2
    assert not any(name.startswith("other_") for name in report.counts)
    with archive.reading() as old, fresh.reading() as new:
        wanted = select(Alarm).order_by(Alarm.id)
        before, after = (
            [
                {column.key: getattr(one, column.key) for column in Alarm.__table__.columns if column.key != "seq"}
                for one in session.scalars(wanted)
            ]
            for session in (old, new)
        )
        assert after == before
        told = alarms.alarm(new, OFFICER, builtin("social_assistance"), ended)[1]
        assert [(one.step, one.words) for one in told][1:] == [("taken", "已通知"), ("closed", "已补做备份")]
    with fresh.sessions.begin() as session:  # the open one goes on being the one that is added to
        assert raise_alarm(session, archive=fresh, kind=AlarmKind.BACKUP_OLD, subject="backup") == again
