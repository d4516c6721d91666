"""Alarms: raised once, counted in small steps, closed by somebody else, and exports that must wait."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from access import alarms, use_counts, use_register
from access.accounts import Actor
from metadata.errors import Conflict, Forbidden, Invalid, NotFound, Unavailable
from metadata.identifiers import new_id
from metadata.profile import builtin
from repository.tables import Account, Alarm, LedgerEntry, UseCount
from tests.unit.access.conftest import County

pytestmark = pytest.mark.both_databases

PROFILE = builtin("social_assistance")
RULES = PROFILE.borrowing.bulk_alarm
Put = Callable[..., str]


def look(session: Session, county: County, actor: Actor, act: str = "record.viewed", **given: Any) -> None:
    """Enter a look."""
    use_register.looked(
        session, archive=county.archive, actor=actor, act=act, **{"reason": "reply", "form": "screen", **given}
    )


def raised(session: Session) -> list[tuple[str, str]]:
    """Kinds and accounts of all alarms."""
    return [(one.kind, one.subject) for one in session.scalars(select(Alarm).order_by(Alarm.seq))]


def with_account(session: Session, county: County, role: str, organ: str) -> Actor:
    """An actor whose account stands in the database."""
    actor = county.actor(role, organ)
    now = county.archive.clock.now()
    session.add(
        Account(id=actor.id, username=actor.id[-12:], display_name="李某", organ_id=actor.organ_id, created_at=now)
    )
    session.flush()
    return actor


def moved(county: County, **by: float) -> None:
    """The clock goes on."""
    county.archive.clock.moment += timedelta(**by)  # type: ignore[attr-defined]


def test_many_files_in_an_hour_raise_one_alarm_and_turning_pages_none(county: County) -> None:
    with county.archive.sessions.begin() as session:
        clerk, calm = (with_account(session, county, "clerk_township", "east") for _ in range(2))
        one, file_id = new_id(), new_id()
        for page in range(1, 301):
            look(session, county, calm, "page.viewed", record_id=one, file_id=file_id, page=page)
        for _ in range(RULES.views_per_hour):  # to and fro between a file and its case file is no bulk access
            look(session, county, calm, record_id=one)
            look(session, county, calm, "case.viewed", case_file_id=file_id)
        assert raised(session) == []
        for _ in range(RULES.views_per_hour):
            look(session, county, clerk, record_id=new_id())
        assert raised(session) == []
        for _ in range(5):
            look(session, county, clerk, "page.viewed", record_id=new_id(), file_id=new_id(), page=1)
        assert raised(session) == [("bulk_views", clerk.id)]
        told = session.scalars(select(LedgerEntry).where(LedgerEntry.act == "alarm.raised")).all()
        assert len(told) == 1
        moved(county, hours=1)
        for _ in range(RULES.views_per_hour + 1):
            look(session, county, clerk, record_id=new_id())
        (alarm,) = session.scalars(select(Alarm))  # nobody has closed it: it is added to
        assert (alarm.times, alarm.last_at - alarm.raised_at) == (2, timedelta(hours=1))
        kept = session.scalars(select(UseCount).where(UseCount.account_id == clerk.id)).all()
        assert len(kept) == 1  # the hour before is cleared away


def test_mass_export_in_small_steps_is_slowed_and_reported(county: County) -> None:
    ways = (
        {"act": "file.downloaded", "form": "download", "record": True},
        {"act": "record.exported", "form": "export", "record": True},
        {"act": "search.performed", "form": "export", "count": 3},
        {"act": "list.exported", "form": "export", "count": 3},
        {"act": "file.viewed", "form": "api", "record": True},
    )
    with county.archive.sessions.begin() as session:
        taker = with_account(session, county, "archivist", "bureau")

    def take(number: int) -> None:
        given: dict[str, Any] = dict(ways[number % len(ways)])
        if given.pop("record", False):
            given |= {"record_id": new_id(), "file_id": new_id()}
        with county.archive.sessions.begin() as session:
            look(session, county, taker, **given)

    for number in range(RULES.exports_per_day):
        take(number)
        moved(county, seconds=20)
    with county.archive.reading() as session:
        before = len(use_register.entries(session, limit=500))
        assert raised(session) == []
    with pytest.raises(Unavailable) as caught:
        take(0)
    assert caught.value.code == use_counts.SLOWED
    assert caught.value.params["wait_seconds"] == RULES.wait_seconds - 20 + 1
    with county.archive.sessions.begin() as session:
        assert len(use_register.entries(session, limit=500)) == before  # nothing was handed out, nothing entered
        use_register.put_off(session, archive=county.archive, actor=taker)
        assert raised(session) == [("bulk_exports", taker.id)]
        assert use_register.entries(session, limit=1)[0].act == "access.refused"
    waits = []
    for number in range(6):
        waited = 0
        while True:
            try:
                take(number)
                break
            except Unavailable as error:
                waited += int(str(error.params["wait_seconds"]))
                moved(county, seconds=int(str(error.params["wait_seconds"])))
        waits.append(waited)
    assert waits[0] < waits[1] < waits[2] < waits[3]  # longer every time
    assert all(one <= RULES.longest_wait_seconds + 1 for one in waits)
    with county.archive.reading() as session:
        assert raised(session) == [("bulk_exports", taker.id)]  # still one
    moved(county, days=1)
    take(0)  # another day


def test_a_large_list_is_reported_at_once_and_the_next_one_waits(county: County) -> None:
    with county.archive.sessions.begin() as session:
        taker = with_account(session, county, "archivist", "bureau")
        look(session, county, taker, "search.performed", form="export", count=RULES.rows_per_day + 1)
        (alarm,) = session.scalars(select(Alarm))
        assert (alarm.kind, alarm.detail["rows"]) == ("bulk_exports", RULES.rows_per_day + 1)
    with pytest.raises(Unavailable), county.archive.sessions.begin() as session:
        look(session, county, taker, "search.performed", form="export", count=1)


def test_parts_of_one_file_are_one_export_and_the_console_is_not_slowed(county: County) -> None:
    with county.archive.sessions.begin() as session:
        reader = with_account(session, county, "archivist", "bureau")
        record_id, file_id = new_id(), new_id()
        for _ in range(3 * RULES.exports_per_day):
            look(session, county, reader, "file.downloaded", form="download", record_id=record_id, file_id=file_id)
        assert raised(session) == []
        console = Actor(id="console:root", kind="console", name="root", organ_id=None)
        for _ in range(2 * RULES.exports_per_day):
            look(session, county, console, "record.exported", form="export", record_id=new_id())
        assert raised(session) == [("bulk_exports", "console:root")]


def test_guessing_and_mistyping_raise_alarms(county: County) -> None:
    with county.archive.sessions.begin() as session:
        guesser = with_account(session, county, "clerk_township", "east")
        for _ in range(RULES.refusals_per_hour):
            look(session, county, guesser, "access.refused", record_id=new_id())
        for _ in range(RULES.sign_ins_per_hour):
            use_counts.sign_in_failed(session, archive=county.archive, account_id=guesser.id)
            use_counts.sign_in_failed(session, archive=county.archive, account_id=None)
        assert raised(session) == []
        look(session, county, guesser, "access.refused")
        use_counts.sign_in_failed(session, archive=county.archive, account_id=guesser.id)
        use_counts.sign_in_failed(session, archive=county.archive, account_id=None)
        assert sorted(raised(session)) == sorted(
            [("refusals", guesser.id), ("sign_ins", guesser.id), ("sign_ins", use_counts.NOBODY)]
        )
        for kind in use_counts.KINDS:
            assert use_counts.limit_of(PROFILE, kind) > 0


def test_a_count_that_is_rolled_back_was_never_made(county: County) -> None:
    clerk = county.actor("clerk_township", "east")

    def fail() -> None:
        with county.archive.sessions.begin() as session:
            for _ in range(RULES.views_per_hour + 1):
                look(session, county, clerk, record_id=new_id())
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    with county.archive.reading() as session:
        assert raised(session) == []
        assert session.scalars(select(UseCount)).all() == []


def test_alarms_are_read_by_who_watches_and_closed_by_somebody_else(county: County) -> None:
    archive = county.archive
    with archive.sessions.begin() as session:
        auditor, security, chief, foreign = (
            with_account(session, county, role, organ)
            for role, organ in (
                ("audit_admin", "bureau"),
                ("sec_admin", "bureau"),
                ("archive_chief", "bureau"),
                ("audit_admin", "neighbour"),
            )
        )
        judge = with_account(session, county, "statutory_user", "procuratorate")
        for actor in (chief, judge):
            for _ in range(RULES.refusals_per_hour + 1):
                look(session, county, actor, "access.refused")

        def about(reader: Actor) -> set[str]:
            if not alarms.may_read(reader, PROFILE):
                return set()
            return {one.subject for one in alarms.alarms(session, reader, PROFILE, state="waiting")}

        assert about(auditor) == about(security) == {chief.id, judge.id}
        assert about(chief) == {chief.id}
        assert alarms.open_alarms(session, chief, PROFILE) == []  # somebody else looks into it
        assert chief.id not in about(foreign)
        assert about(county.actor("clerk_township", "east")) == set()
        assert about(replace(auditor, only=frozenset({"record.read"}))) == set()
        for role in ("clerk_township", "statistician", "supervisor"):
            with pytest.raises(Forbidden):
                alarms.alarms(session, county.actor(role, "bureau"), PROFILE)
        mine = next(one for one in alarms.alarms(session, auditor, PROFILE) if one.subject == chief.id)
        assert (mine.open, mine.count, mine.limit) == (True, RULES.refusals_per_hour + 1, RULES.refusals_per_hour)
        common: dict[str, Any] = {"archive": archive, "alarm_id": mine.id}
        with pytest.raises(Forbidden):
            alarms.close(session, actor=chief, remark="没事", **common)
        with pytest.raises(NotFound):
            alarms.close(session, actor=foreign, remark="没事", **common)
        with pytest.raises(Invalid):
            alarms.close(session, actor=auditor, remark="  ", **common)
        alarms.close(session, actor=auditor, remark="经核查，系误操作", **common)
        with pytest.raises(Conflict):
            alarms.close(session, actor=security, remark="再关", **common)
        assert about(auditor) == {judge.id}
        closed = next(one for one in alarms.alarms(session, security, PROFILE) if one.id == mine.id)
        assert (closed.open, closed.remark, closed.closed_by) == (False, "经核查，系误操作", "李某")
        look(session, county, chief, "access.refused")
        assert about(auditor) == {judge.id}  # the same hour is looked into already


def test_a_list_that_a_program_pages_through_counts_by_its_rows(county: County) -> None:
    with county.archive.sessions.begin() as session:
        program = with_account(session, county, "archivist", "bureau")
    pages = RULES.rows_per_day // 100
    for _ in range(pages):
        for act in ("list.exported", "search.performed"):
            with county.archive.sessions.begin() as session:
                look(session, county, program, act, form="api", count=50)
    with county.archive.reading() as session:
        assert raised(session) == []  # a hundred questions are no export, five thousand rows are the day's share
    with pytest.raises(Unavailable), county.archive.sessions.begin() as session:
        look(session, county, program, "list.exported", form="api", count=50)
