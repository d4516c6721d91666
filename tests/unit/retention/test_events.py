"""Events of a case entered and withdrawn by hand, and the retention that follows; assigning anew; totals."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import date, timedelta

import pytest
from sqlalchemy import func, select

from access.actors import Actor, console_actor
from metadata.errors import Conflict, Forbidden, Invalid, NotFound
from repository import cases
from repository.archive import Archive
from repository.tables import CaseFile, CaseRecord, Household, Record, RetentionAssignment
from retention import due, events, reassignment, schedules, totals
from retention.due import DueFilter
from retention.reckoned import Reckoned
from tests.unit.retention.test_holds import person
from tests.unit.retention.test_schedules import CONFIRMED, STOPPED, asked, case, in_force, put

pytestmark = pytest.mark.both_databases


def _entered(archive: Archive, actor: Actor, case_id: str, event: str, on: date, **more: object) -> None:
    with archive.sessions.begin() as session:
        events.enter(session, archive=archive, actor=actor, case_file=case_id, event=event, on=on, **more)  # type: ignore[arg-type]


def _file(archive: Archive, *codes: str) -> tuple[str, list[str]]:
    with archive.sessions.begin() as session:
        records = [put(session, archive, code) for code in codes]
        file = case(session, archive, [CONFIRMED], *records)
        schedules.assign_batch(session, archive=archive, records=[asked(one) for one in records])
        return file.id, [one.id for one in records]


def _due(archive: Archive, record_id: str) -> tuple[str, date | None]:
    with archive.reading() as session:
        row = schedules.current_assignment(session, record_id)
        assert row is not None
        return row.outcome, row.due_on


def test_stop_readmission_and_an_event_taken_back_move_the_clock_at_once(archive: Archive) -> None:
    archivist = person("archivist")
    case_id, (record_id,) = _file(archive, "APP01")
    assert _due(archive, record_id) == ("waiting", None)
    _entered(archive, archivist, case_id, "benefit_stopped", date(2024, 2, 29), note="死亡注销")
    assert _due(archive, record_id) == ("due", date(2029, 2, 28))
    _entered(archive, archivist, case_id, "confirmed", date(2025, 3, 1))
    assert _due(archive, record_id) == ("waiting", None)
    with archive.reading() as session:
        file = session.scalars(select(CaseFile).where(CaseFile.id == case_id)).one()
        assert (file.stopped_on, file.revision) == (None, 2)
    with archive.sessions.begin() as session:
        file = events.withdraw(
            session,
            archive=archive,
            actor=archivist,
            case_file=case_id,
            event="confirmed",
            on=date(2025, 3, 1),
            reason="登记错户",
        )
        assert (file.stopped_on, file.revision) == (date(2024, 2, 29), 3)
        assert file.state["withdrawn"][0]["reason"] == "登记错户"
        assert file.state["withdrawn"][0]["withdrawn_by"] == archivist.id
        with pytest.raises(Conflict):
            events.withdraw(
                session,
                archive=archive,
                actor=archivist,
                case_file=case_id,
                event="confirmed",
                on=date(2025, 3, 1),
                reason="again",
            )
    assert _due(archive, record_id) == ("due", date(2029, 2, 28))


def test_a_list_does_not_bring_back_what_was_withdrawn(archive: Archive) -> None:
    archivist = person("archivist")
    case_id, _ = _file(archive, "APP01")
    _entered(archive, archivist, case_id, "benefit_stopped", date(2024, 2, 29))
    with archive.sessions.begin() as session:
        file = events.withdraw(
            session,
            archive=archive,
            actor=archivist,
            case_file=case_id,
            event="benefit_stopped",
            on=date(2024, 2, 29),
            reason="没有停保",
        )
        household = session.get_one(Household, file.household_id)
        listed = [{"event": "benefit_stopped", "on": "2024-02-29", "note": ""}]
        again, _ = cases.case_file(
            session, archive=archive, household=household, programme="DB", organ_id=file.organ_id, events=listed
        )
        assert [one["event"] for one in again.state["events"]] == ["confirmed"]
    _entered(archive, archivist, case_id, "benefit_stopped", date(2024, 2, 29))  # but a person may


def test_a_benefit_does_not_stop_before_the_file_was_opened(archive: Archive) -> None:
    case_id, (record_id,) = _file(archive, "APP01")
    with archive.sessions.begin() as session:
        file = session.scalars(select(CaseFile).where(CaseFile.id == case_id)).one()
        file.opened_on = date(2022, 2, 7)
    with pytest.raises(Invalid) as error:
        _entered(archive, person("archivist"), case_id, "benefit_stopped", date(2020, 5, 1))
    assert error.value.code == "case.event_day"
    assert "2022-02-07" in error.value.sentence("zh")
    assert _due(archive, record_id) == ("waiting", None)
    # what is known of the time before the file may be said all the same
    _entered(archive, person("archivist"), case_id, "application_submitted", date(2020, 5, 1))
    _entered(archive, person("archivist"), case_id, "benefit_stopped", date(2022, 2, 7))


def test_who_may_not_describe_there_enters_nothing(archive: Archive) -> None:
    case_id, (record_id,) = _file(archive, "APP01")
    for actor, kind in (
        (person("clerk_township", "990101001", "TS"), Forbidden),
        (person("archivist", "990102"), NotFound),
        (person("sys_admin"), NotFound),
    ):
        with pytest.raises(kind):
            _entered(archive, actor, case_id, "benefit_stopped", date(2024, 1, 1))
    _entered(archive, person("archivist_township", "990101001", "TS"), case_id, "benefit_stopped", date(2024, 1, 1))
    assert _due(archive, record_id)[0] == "due"


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"event": "destroyed"}, "case.event_unknown"),
        ({"event": "no_such"}, "case.event_unknown"),
        ({"on": date(2026, 1, 6)}, "case.event_day"),
        ({"on": date(1900, 1, 1)}, "case.event_day"),
        ({"note": "注" * 201}, "case.event_note"),
        ({"note": "证件 11010519491231002X"}, "revision.id_number_in_clear"),
    ],
)
def test_what_makes_no_sense_is_refused_and_leaves_nothing(
    archive: Archive, given: dict[str, object], code: str
) -> None:
    case_id, (record_id,) = _file(archive, "APP01")
    values = {"event": "benefit_stopped", "on": date(2024, 1, 1), **given}
    with pytest.raises(Invalid) as error:
        _entered(archive, person("archivist"), case_id, **values)  # type: ignore[arg-type]
    assert error.value.code == code
    assert _due(archive, record_id) == ("waiting", None)
    with archive.reading() as session:
        assert session.scalars(select(CaseFile.revision)).one() == 0


def test_two_clerks_do_not_enter_over_each_other(archive: Archive) -> None:
    case_id, _ = _file(archive, "APP01")
    _entered(archive, person("archivist"), case_id, "benefit_stopped", date(2024, 1, 1), row_version=1)
    with pytest.raises(Conflict) as error:
        _entered(archive, person("archivist"), case_id, "member_changed", date(2024, 1, 2), row_version=1)
    assert error.value.code == "case.changed"
    with pytest.raises(Conflict) as twice:
        _entered(archive, person("archivist"), case_id, "benefit_stopped", date(2024, 1, 1))
    assert twice.value.code == "case.event_known"


def test_an_item_of_two_files_keeps_the_longest_whichever_is_settled_last(archive: Archive) -> None:
    with archive.sessions.begin() as session:
        shared, alone = put(session, archive, "APP01"), put(session, archive, "APP01")
        stopped = case(session, archive, [STOPPED], shared, alone)
        case(session, archive, [CONFIRMED], shared)
        schedules.assign_batch(session, archive=archive, records=[asked(shared), asked(alone)])
        assert in_force(session, shared).outcome == "waiting"
        schedules.settle_case(session, archive=archive, case_file_id=stopped.id)
        assert in_force(session, shared).outcome == "waiting"
        assert in_force(session, alone).due_on == date(2023, 5, 6)


def test_an_item_that_turns_out_to_be_a_register_leaves_its_file_as_it_would_be_without(archive: Archive) -> None:
    with archive.sessions.begin() as session:
        paper, wrong = put(session, archive, "APP01"), put(session, archive, "STP01", dated=date(2030, 1, 1))
        case(session, archive, [STOPPED], paper, wrong)
        schedules.assign_batch(session, archive=archive, records=[asked(paper), asked(wrong)])
        assert in_force(session, paper).due_on == date(2041, 1, 1)
        wrong.document_type = "REG07"
        session.flush()
        schedules.assign_records(session, archive=archive, record_ids=[wrong.id])
        assert in_force(session, wrong).outcome == "permanent"
        assert in_force(session, paper).due_on == date(2023, 5, 6)


def test_a_new_version_of_the_profile_is_carried_through_in_batches_that_resume(archive: Archive) -> None:
    with archive.sessions.begin() as session:
        for _ in range(7):
            case(session, archive, [STOPPED], *(put(session, archive, code) for code in ("APP01", "STP01")))
        ids = list(session.scalars(select(Record.id)))
        schedules.assign_records(session, archive=archive, record_ids=ids)
    rules = tuple(
        one.model_copy(update={"years": 6}) if one.id == "R01" else one for one in archive.profile.retention_rules
    )
    fresh = replace(archive, profile=replace(archive.profile, version="2099.1", retention_rules=rules))
    with fresh.reading() as session:
        assert reassignment.outdated(session, fresh)
    assert reassignment.reassign_outdated(fresh, limit=3) == 3
    done = 0
    while count := reassignment.reassign_outdated(fresh, limit=3):
        done += count
    assert done < 14
    with fresh.reading() as session:
        assert not reassignment.outdated(session, fresh)
        current = session.scalars(select(RetentionAssignment).where(RetentionAssignment.current)).all()
        assert len(current) == 14
        assert {one.profile_version for one in current} == {"social_assistance/2099.1"}
    seq, steps, rows = 0, 0, 0
    while True:
        seq, count = reassignment.reassign_after(fresh, seq, limit=5)
        if not count:
            break
        steps, rows = steps + 1, rows + count
    assert (steps, rows) == (3, 14)


def test_random_histories_leave_every_record_with_one_assignment(archive: Archive) -> None:
    chance = random.Random(5)
    codes = [*archive.profile.document_types, None]
    names = [one.code for one in archive.profile.events.values() if one.entered]
    with archive.sessions.begin() as session:
        for _ in range(25):
            records = [put(session, archive, chance.choice(codes)) for _ in range(chance.randint(1, 5))]
            history = [
                {
                    "event": chance.choice(names),
                    "on": (date(2010, 1, 1) + timedelta(chance.randint(0, 5000))).isoformat(),
                }
                for _ in range(chance.randint(0, 6))
            ]
            file = case(session, archive, history, *records)
            schedules.assign_batch(session, archive=archive, records=[asked(one) for one in records])
            if chance.random() < 0.5:
                session.add(CaseRecord(case_file_id=file.id, record_id=put(session, archive, "APP01").id, position=99))
                session.flush()
                schedules.settle_case(session, archive=archive, case_file_id=file.id)
        active = session.scalar(select(func.count()).select_from(Record)) or 0
        rows = session.scalars(select(RetentionAssignment).where(RetentionAssignment.current)).all()
        assert len(rows) == len({one.record_id for one in rows}) == active
        for one in rows:
            assert (one.outcome == "due") == (one.due_on is not None)
            assert (one.outcome == "waiting") == (one.detail["waiting_for"] is not None)


def test_totals_are_of_what_the_person_reaches_and_agree_with_the_list(archive: Archive) -> None:
    with archive.sessions.begin() as session:
        records = [put(session, archive, "KUA03", dated=date(year, 1, 1)) for year in (2012, 2016, 2016, 2019)]
        other, secret, marked = (put(session, archive, "KUA03", dated=date(2016, 5, 5)) for _ in range(3))
        other.division_code, secret.access_level, marked.access_marks = "990102001001", "restricted", ["informant"]
        waits = put(session, archive, "APP01")
        session.flush()
        everything = [*records, other, secret, marked, waits]
        schedules.assign_batch(session, archive=archive, records=[asked(one) for one in everything])
        assert totals.due_for_counting(session, small_only=True)
        totals.count(session, archive=archive)
        assert not totals.due_for_counting(session)
        county, far, prefecture = person("archivist"), person("archivist", "990102"), person("supervisor", "9901", "PF")

        def counted(actor: Actor) -> dict[int | None, int]:
            found: dict[int | None, int] = {}
            for one in due.totals(session, actor, profile=archive.profile):
                found[one.year] = found.get(one.year, 0) + one.records
            return found

        assert counted(county) == {None: 1, 2023: 1, 2027: 4, 2030: 1}
        assert counted(far) == {2027: 1}
        assert counted(prefecture) == {None: 1, 2023: 1, 2027: 3, 2030: 1}
        within = due.totals(session, county, profile=archive.profile, first=2027, last=2027)
        assert [(one.rule_id, one.records) for one in within] == [("R09", 4)]
        filters = DueFilter(since=date(2027, 1, 1), until=date(2027, 12, 31), rule_id="R09")
        listed = list(due.all_due(session, county, profile=archive.profile, filters=filters, most=100))
        assert len(listed) == 4
        assert len(list(due.all_due(session, county, profile=archive.profile, filters=filters, most=3))) == 3
        nothing = replace(filters, organ_id="other")
        assert due.due_list(session, county, profile=archive.profile, filters=nothing) == []
        by_class = replace(filters, category=records[0].category)
        assert len(due.due_list(session, county, profile=archive.profile, filters=by_class)) == 4
        console = console_actor(session, archive.profile, "root")
        assert counted(console)[2027] == 5
        reckoned, ends = Reckoned(), (2026, 2030)
        once = reckoned.by_organ(session, county, profile=archive.profile, folded=ends)
        again = person("archivist")  # who reaches the same
        assert reckoned.by_organ(session, again, profile=archive.profile, folded=ends) is once
        assert reckoned.by_organ(session, far, profile=archive.profile, folded=ends) != once
        assert reckoned.organs(session, county, profile=archive.profile) == {one.organ_id for one in once}
        schedules.assign_batch(
            session, archive=archive, records=[asked(put(session, archive, "KUA03", dated=date(2016, 5, 5)))]
        )
        totals.count(session, archive=archive)
        anew = reckoned.by_organ(session, county, profile=archive.profile, folded=ends)
        assert sum(one.records for one in anew) == sum(one.records for one in once) + 1
        with pytest.raises(Forbidden):
            due.totals(session, person("clerk_township"), profile=archive.profile)
        with pytest.raises(Forbidden):
            reckoned.organs(session, person("clerk_township"), profile=archive.profile)
