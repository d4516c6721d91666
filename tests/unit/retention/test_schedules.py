"""Assignments in the catalogue: batches, settling of case files, explanation, the due list."""

from __future__ import annotations

from datetime import date

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from access.accounts import Actor, RoleHeld, console_actor
from metadata.errors import Forbidden, NotFound
from metadata.identifiers import new_id
from repository.archive import Archive
from repository.tables import CaseFile, CaseRecord, Household, Organ, Record, RetentionAssignment
from retention import due, explanation, schedules
from retention.schedules import RecordToAssign

CONFIRMED = {"event": "confirmed", "on": "2020-03-01", "note": ""}
STOPPED = {"event": "benefit_stopped", "on": "2018-05-06", "note": ""}


def _organ(session: Session) -> Organ:
    return session.scalars(select(Organ)).one()


def put(session: Session, archive: Archive, code: str | None, *, dated: date | None = date(2018, 5, 6)) -> Record:
    row = Record(
        id=new_id(),
        title=f"文件 {code}",
        document_type=code,
        programme="DB",
        year=dated.year if dated else None,
        dated=dated,
        organ_id=_organ(session).id,
        division_code="990101001001",
        access_level="internal",
        access_marks=[],
        description={},
        profile_version=archive.profile.label,
        created_at=archive.clock.now(),
    )
    session.add(row)
    session.flush()
    return row


def case(session: Session, archive: Archive, events: list[dict[str, str]], *records: Record) -> CaseFile:
    household = Household(
        id=new_id(), household_no=new_id()[:19], division_code="990101001001", created_at=archive.clock.now()
    )
    session.add(household)
    session.flush()
    made = CaseFile(
        id=new_id(),
        household_id=household.id,
        programme="DB",
        title="户档",
        division_code="990101001001",
        organ_id=_organ(session).id,
        state={"events": events},
        created_at=archive.clock.now(),
    )
    session.add(made)
    session.flush()
    session.add_all(
        CaseRecord(case_file_id=made.id, record_id=one.id, position=position)
        for position, one in enumerate(records, start=1)
    )
    session.flush()
    return made


def asked(record: Record) -> RecordToAssign:
    return RecordToAssign(record.id, record.document_type, record.programme, record.year, record.dated)


def in_force(session: Session, record: Record) -> RetentionAssignment:
    found = schedules.current_assignment(session, record.id)
    assert found is not None
    return found


def test_a_stopped_file_is_governed_together_and_a_register_by_its_own_rule(archive: Archive) -> None:
    with archive.sessions.begin() as session:
        application, stop, untyped = (put(session, archive, code) for code in ("APP01", "STP01", None))
        sheet = put(session, archive, "REG04")
        case(session, archive, [STOPPED], application, stop, untyped, sheet)
        schedules.assign_batch(
            session, archive=archive, records=[asked(one) for one in (application, stop, untyped, sheet)]
        )
        for one in (application, stop, untyped):
            assert in_force(session, one).due_on == date(2029, 1, 1)
        assert [in_force(session, one).rule_id for one in (application, stop, untyped)] == ["R01", "R03", "R01"]
        assert in_force(session, sheet).due_on == date(2049, 1, 1)


def test_an_event_settles_the_file_anew_and_history_stays(archive: Archive) -> None:
    with archive.sessions.begin() as session:
        application = put(session, archive, "APP01")
        file = case(session, archive, [CONFIRMED], application)
        schedules.assign_batch(session, archive=archive, records=[asked(application)])
        assert in_force(session, application).outcome == "waiting"
        file.state = {"events": [CONFIRMED, {"event": "benefit_stopped", "on": "2024-02-29"}]}
        session.flush()
        schedules.settle_case(session, archive=archive, case_file_id=file.id)
        assert in_force(session, application).due_on == date(2029, 2, 28)
        schedules.settle_case(session, archive=archive, case_file_id=file.id)
        rows = session.scalar(select(func.count()).select_from(RetentionAssignment))
        assert rows == 2
        current = session.scalar(
            select(func.count()).select_from(RetentionAssignment).where(RetentionAssignment.current)
        )
        assert current == 1


def test_a_later_paper_moves_the_whole_file(archive: Archive) -> None:
    with archive.sessions.begin() as session:
        application = put(session, archive, "APP01")
        file = case(session, archive, [STOPPED], application)
        schedules.assign_batch(session, archive=archive, records=[asked(application)])
        assert in_force(session, application).due_on == date(2023, 5, 6)
        stop = put(session, archive, "STP01", dated=date(2019, 1, 2))
        session.add(CaseRecord(case_file_id=file.id, record_id=stop.id, position=2))
        session.flush()
        schedules.assign_batch(session, archive=archive, records=[asked(stop)])
        assert in_force(session, application).due_on == date(2030, 1, 1)
        told = explanation.explain(session, application.id, archive.profile)
        assert "一并鉴定" in told.story_zh[-1]
        assert "2030-01-01" in told.story_en[-1]


def test_events_given_with_the_record_count_until_it_stands_in_a_file(archive: Archive) -> None:
    with archive.sessions.begin() as session:
        loose, tray = put(session, archive, "APP01"), put(session, archive, None)
        schedules.assign_batch(
            session,
            archive=archive,
            records=[(loose.id, "APP01", "DB", 2018, None, [STOPPED]), (tray.id, None, None, None, None, None)],
        )
        assert in_force(session, loose).due_on == date(2023, 5, 6)
        assert in_force(session, tray).detail["waiting_for"] == "rule"
        schedules.assign_record(session, archive=archive, record=loose)
        assert in_force(session, loose).outcome == "waiting"


def test_the_explanation_cites_its_basis_in_both_languages(archive: Archive) -> None:
    with archive.sessions.begin() as session:
        sheet = put(session, archive, "REG04", dated=date(1990, 5, 1))
        with pytest.raises(NotFound) as error:
            explanation.explain(session, sheet.id, archive.profile)
        assert error.value.code == "retention.not_assigned"
        schedules.assign_batch(session, archive=archive, records=[asked(sheet)])
        told = explanation.explain(session, sheet.id, archive.profile, today=date(2026, 1, 5))
        assert told.due_on == "2021-01-01"
        assert told.as_dict()["status"] == "from_memory"
        zh, en = told.lines("zh"), told.lines("en")
        assert zh[0].startswith("定期：规则 R07（会计凭证")
        assert "2021-01-01 到期鉴定" in zh[0]
        assert any("会计档案管理办法" in line and "未核对原文" in line for line in zh)
        assert "不会自动销毁" in zh[1]
        assert "due for appraisal on 2021-01-01" in en[0]
        assert any("text not read" in line for line in en)


@pytest.mark.parametrize("code", ["APP01", "REG07", "STP01", "REG04", None])
def test_every_story_can_be_told(archive: Archive, code: str | None) -> None:
    histories: list[list[dict[str, str]]] = [
        [],
        [CONFIRMED],
        [STOPPED],
        [STOPPED, {"event": "application_accepted", "on": "2019-01-01"}],
        [{"event": "rejected", "on": "2019-01-01"}],
    ]
    with archive.sessions.begin() as session:
        for events in histories:
            for dated in (date(2018, 5, 6), None):
                one = put(session, archive, code, dated=dated)
                other = put(session, archive, "STP02", dated=date(2021, 1, 1))
                case(session, archive, events, one, other)
                schedules.assign_batch(session, archive=archive, records=[asked(one), asked(other)])
                told = explanation.explain(session, one.id, archive.profile, today=date(2090, 1, 1))
                for line in (*told.lines("zh"), *told.lines("en")):
                    assert "{" not in line
                    assert "None" not in line


def test_the_due_list_is_gated_and_pages_by_day(archive: Archive) -> None:
    with archive.sessions.begin() as session:
        records = [put(session, archive, "KUA03", dated=date(year, 1, 1)) for year in (2012, 2010, 2010, 2019)]
        hidden = put(session, archive, "KUA03", dated=date(2001, 1, 1))
        hidden.division_code = "990102001001"
        session.flush()
        schedules.assign_batch(session, archive=archive, records=[asked(one) for one in (*records, hidden)])
        organ = _organ(session)
        archivist = Actor(new_id(), "account", "某人", organ.id, (RoleHeld("archivist", organ.id, "990101", "CB"),))
        found = due.due_list(session, archivist, before=date(2026, 1, 5), profile=archive.profile)
        assert [one.record_id for one in found] == [records[1].id, records[2].id, records[0].id]
        assert found[0].as_dict()["due_on"] == "2021-01-01"
        rest = due.due_list(
            session,
            archivist,
            before=date(2026, 1, 5),
            profile=archive.profile,
            after=(date(2021, 1, 1), found[0].seq),
        )
        assert [one.record_id for one in rest] == [records[2].id, records[0].id]
        console = console_actor(session, archive.profile, "root")
        assert len(due.due_list(session, console, before=date(2026, 1, 5), profile=archive.profile)) == 4
        clerk = Actor(new_id(), "account", "某人", organ.id, (RoleHeld("clerk_township", organ.id, "990101", "TS"),))
        with pytest.raises(Forbidden):
            due.due_list(session, clerk, before=date(2026, 1, 5), profile=archive.profile)


def test_the_waiting_list_says_for_what(archive: Archive) -> None:
    with archive.sessions.begin() as session:
        tray, active = put(session, archive, None), put(session, archive, "APP01")
        schedules.assign_batch(session, archive=archive, records=[asked(tray), asked(active)])
        console = console_actor(session, archive.profile, "root")
        found = due.waiting_list(session, console, profile=archive.profile)
        assert [one.waiting_zh for one in found] == ["尚无适用规则", "待“停保”之日起算"]
        assert due.waiting_list(session, console, profile=archive.profile, after=found[0].seq) == found[1:]


def test_a_thousand_records_are_assigned_in_one_call(archive: Archive) -> None:
    with archive.sessions.begin() as session:
        ids = []
        for _ in range(30):
            items = [put(session, archive, code) for code in archive.profile.file_order[:35]]
            case(session, archive, [CONFIRMED], *items)
            ids += [asked(one) for one in items]
        schedules.assign_batch(session, archive=archive, records=ids)
        rows = session.scalar(select(func.count()).select_from(RetentionAssignment))
        assert rows == len(ids) == 1050
