"""Alarms about any part of the site: found again and over, who sees and handles which, what stays of the handling."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from access import alarms
from access.actors import Actor
from metadata.errors import Conflict, Forbidden, Invalid, NotFound
from metadata.identifiers import new_id
from metadata.profile import builtin
from repository.alarms import AlarmArea, AlarmKind, alarm_over, raise_alarm
from repository.tables import Account, Alarm, LedgerEntry, StoredObject
from tests.unit.access.conftest import County

PROFILE = builtin("social_assistance")
Raised = Callable[..., str]


def staff(session: Session, county: County, role: str) -> Actor:
    """An actor with an account of that name."""
    actor = county.actor(role, "bureau")
    now = county.archive.clock.now()
    session.add(
        Account(id=actor.id, username=actor.id[-12:], display_name="李某", organ_id=actor.organ_id, created_at=now)
    )
    session.flush()
    return actor


def later(county: County, **by: float) -> None:
    """The clock goes on."""
    county.archive.clock.moment += timedelta(**by)  # type: ignore[attr-defined]


def down(session: Session, county: County, part: str = "index", **detail: Any) -> str:
    """A part of the site is down."""
    return raise_alarm(session, archive=county.archive, kind=AlarmKind.PART_DOWN, subject=part, detail=detail)


def acts(session: Session) -> list[str]:
    """The acts about alarms in the ledger, in order."""
    wanted = select(LedgerEntry.act).where(LedgerEntry.act.startswith("alarm.")).order_by(LedgerEntry.seq)
    return list(session.scalars(wanted))


def test_what_is_found_again_is_one_alarm_and_one_entry(county: County) -> None:
    with county.archive.sessions.begin() as session:
        first = down(session, county, since="1")
        for minute in range(2, 11):
            later(county, minutes=1)
            assert down(session, county, since=str(minute)) == first
        other = down(session, county, "scanner")
        alarm = session.scalars(select(Alarm).where(Alarm.id == first)).one()
        assert (alarm.times, alarm.detail, alarm.state) == (10, {"since": "10"}, "open")
        assert alarm.last_at - alarm.raised_at == timedelta(minutes=9)
        assert acts(session) == ["alarm.raised", "alarm.raised"]
        assert other != first
        frozen = session.scalars(select(StoredObject).where(StoredObject.key.startswith("e/alarm/"))).all()
        assert len(frozen) == 2


def test_over_and_back_is_told_and_closes_nothing(county: County) -> None:
    archive = county.archive
    with archive.sessions.begin() as session:
        assert not alarm_over(session, archive=archive, kind=AlarmKind.PART_DOWN, subject="index")
        alarm_id = down(session, county)
        later(county, minutes=5)
        assert alarm_over(session, archive=archive, kind=AlarmKind.PART_DOWN, subject="index")
        assert not alarm_over(session, archive=archive, kind=AlarmKind.PART_DOWN, subject="index")
        alarm = session.scalars(select(Alarm)).one()
        assert (alarm.state, alarm.over_at) == ("open", archive.clock.now())
        later(county, minutes=5)
        assert down(session, county) == alarm_id
        assert alarm.over_at is None
        assert [one["step"] for one in alarm.told] == ["raised", "over", "again"]
        assert acts(session) == ["alarm.raised", "alarm.over", "alarm.again"]


def test_from_open_by_taken_to_closed_with_who_when_and_how(county: County) -> None:
    archive = county.archive
    with archive.sessions.begin() as session:
        admin, officer = (staff(session, county, role) for role in ("sys_admin", "preservation_officer"))
        alarm_id = down(session, county)
        common: dict[str, Any] = {"archive": archive, "alarm_id": alarm_id}
        assert [one.id for one in alarms.open_alarms(session, admin, PROFILE)] == [alarm_id]
        later(county, minutes=1)
        assert alarms.take(session, actor=admin, **common) == "taken"
        assert [one.id for one in alarms.open_alarms(session, admin, PROFILE)] == [alarm_id]
        assert alarms.open_alarms(session, officer, PROFILE) == []  # somebody else has it in hand
        with pytest.raises(Conflict):
            alarms.take(session, actor=admin, **common)
        assert alarms.take(session, actor=admin, words=" 已重启\n服务，联系人 13800138000 ", **common) == "noted"
        later(county, minutes=1)
        assert alarms.take(session, actor=officer, words="接手", **common) == "taken"
        for wrong in ("", "  ", "字" * 1001):
            with pytest.raises(Invalid):
                alarms.close(session, actor=officer, remark=wrong, **common)
        alarms.close(session, actor=officer, remark="磁盘已更换", **common)
        for again in (
            lambda: alarms.close(session, actor=admin, remark="再关", **common),
            lambda: alarms.take(session, actor=admin, **common),
        ):
            with pytest.raises(Conflict):
                again()
        line, steps = alarms.alarm(session, admin, PROFILE, alarm_id)
        assert (line.state, line.taken_by, line.closed_by, line.remark) == ("closed", "李某", "李某", "磁盘已更换")
        assert [(one.step, one.actor_id) for one in steps] == [
            ("raised", "system"),
            ("taken", admin.id),
            ("noted", admin.id),
            ("taken", officer.id),
            ("closed", officer.id),
        ]
        assert "13800138000" not in steps[2].words
        assert steps[2].words.startswith("已重启 服务")
        assert acts(session) == ["alarm.raised", "alarm.taken", "alarm.noted", "alarm.taken", "alarm.closed"]
        bodies = session.scalars(select(LedgerEntry.body).where(LedgerEntry.act.startswith("alarm."))).all()
        assert all("磁盘" not in one and json.loads(one)["alarm_id"] == alarm_id for one in bodies)
        assert down(session, county) != alarm_id  # the same thing after that is a new alarm


def test_each_sees_and_handles_what_the_matrix_gives(county: County) -> None:
    archive = county.archive
    with archive.sessions.begin() as session:
        subject = staff(session, county, "clerk_township")
        ids = {
            AlarmArea.SYSTEM: down(session, county),
            AlarmArea.PRESERVATION: raise_alarm(session, archive=archive, kind=AlarmKind.DAMAGE, subject="a"),
            AlarmArea.USE: raise_alarm(session, archive=archive, kind=AlarmKind.REFUSALS, subject=subject.id),
        }
        system, kept, use = AlarmArea.SYSTEM, AlarmArea.PRESERVATION, AlarmArea.USE
        everything = {system, kept, use}
        for role, sees, handles in (
            ("audit_admin", everything, {use}),
            ("sec_admin", everything, {use}),
            ("archive_chief", everything, everything),
            ("preservation_officer", {system, kept}, {system, kept}),
            ("sys_admin", {system}, {system}),
            ("archivist", {system, kept}, set()),
            ("bureau_head", {system}, set()),
        ):
            actor = staff(session, county, role)
            found = {AlarmArea(one.area): one.mine for one in alarms.alarms(session, actor, PROFILE)}
            assert set(found) == sees, role
            assert {area for area, mine in found.items() if mine} == handles, role
            for area, alarm_id in ids.items():
                one: dict[str, Any] = {"archive": archive, "actor": actor, "alarm_id": alarm_id}
                if area not in sees:
                    with pytest.raises(NotFound):
                        alarms.take(session, **one)
                elif area not in handles:
                    with pytest.raises(Forbidden):
                        alarms.close(session, remark="x", **one)
                else:
                    alarms.take(session, **one)
        narrowed = replace(staff(session, county, "sys_admin"), only=frozenset({"status.read"}))
        assert [one.mine for one in alarms.alarms(session, narrowed, PROFILE)] == [False]
        with pytest.raises(Forbidden):
            alarms.alarms(session, county.actor("sys_admin", "bureau"), PROFILE, area=kept)
        with pytest.raises(Forbidden):
            alarms.alarm(session, subject, PROFILE, ids[use])


def test_a_subject_has_a_length(county: County) -> None:
    with county.archive.sessions.begin() as session:
        for wrong in ("", "x" * 81):
            with pytest.raises(Invalid):
                down(session, county, wrong)
        with pytest.raises(NotFound):
            alarms.alarm(session, county.actor("audit_admin", "bureau"), PROFILE, new_id())
