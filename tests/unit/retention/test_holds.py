"""Holds: who may place, see and lift them, what they block, when a lifting works."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from sqlalchemy import func, select

from access.actors import Actor, RoleHeld
from metadata.errors import Conflict, Forbidden, Invalid, NotFound
from metadata.identifiers import new_id
from repository.archive import Archive
from repository.ledger.seal import seal
from repository.tables import CaseRecord, Hold, HoldSubject, LedgerEntry, StoredObject
from retention import holding, holds
from retention.holding import NewHold
from tests.unit.retention.test_schedules import CONFIRMED, case, put

pytestmark = pytest.mark.both_databases

TOLD = NewHold("检察调卷", "云岭县人民检察院", "案件侦查期间不得处置", "云检调〔2026〕3号", date(2026, 6, 1))


def person(role: str, prefix: str = "990101", level: str = "CB") -> Actor:
    return Actor(new_id(), "account", "某人", None, (RoleHeld(role, new_id(), prefix, level),))


def test_a_hold_blocks_its_records_and_the_later_records_of_a_case_file(archive: Archive) -> None:
    chief = person("archive_chief")
    with archive.sessions.begin() as session:
        alone, inside, later, free = (put(session, archive, "APP01") for _ in range(4))
        file = case(session, archive, [CONFIRMED], inside)
        hold = holding.place(
            session, archive=archive, actor=chief, told=TOLD, record_ids=[alone.id], case_file_ids=[file.id]
        )
        session.add(CaseRecord(case_file_id=file.id, record_id=later.id, position=2))
        session.flush()
        ids = [alone.id, inside.id, later.id, free.id]
        found = holds.held(session, ids)
        assert holds.blocks(session, ids) == {alone.id, inside.id, later.id} == set(found)
        assert [(one.id, one.through) for one in found[later.id]] == [(hold.id, "case_file")]
        assert found[alone.id][0].through == "record"
        with pytest.raises(Conflict) as error:
            holds.require_free(session, ids)
        assert error.value.params == {"count": 3}
        holds.require_free(session, [free.id])


def test_a_lifting_works_when_its_entry_is_sealed(archive: Archive) -> None:
    chief, head = person("archive_chief"), person("bureau_head")
    with archive.sessions.begin() as session:
        record = put(session, archive, "APP01")
        hold = holding.place(session, archive=archive, actor=chief, told=TOLD, record_ids=[record.id])
        hold_id, record_id = hold.id, record.id
    seal(archive)
    with archive.sessions.begin() as session:
        lifted = holding.lift(
            session,
            archive=archive,
            actor=head,
            hold_id=hold_id,
            authority="检察院撤回函",
            reason="案结",
            row_version=1,
        )
        assert holds.state_of(session, lifted) == "lifting"
        again = holding.lift(session, archive=archive, actor=head, hold_id=hold_id, authority="x", reason="y")
        assert again.lift_reason == "案结"
    with archive.reading() as session:
        assert holds.blocks(session, [record_id]) == {record_id}
        assert holds.held(session, [record_id])[record_id][0].lifting
        assert [one.id for one in holds.list_holds(session, head, archive.profile)] == [hold_id]
    seal(archive)
    with archive.sessions.begin() as session:
        assert holds.blocks(session, [record_id]) == frozenset()
        assert holds.list_holds(session, head, archive.profile) == []
        assert [one.id for one in holds.list_holds(session, head, archive.profile, state="lifted")] == [hold_id]
        with pytest.raises(Conflict) as error:
            holding.lift(session, archive=archive, actor=head, hold_id=hold_id, authority="a", reason="b")
        assert error.value.code == "hold.lifted_already"
        with pytest.raises(Conflict):
            holding.review(session, archive=archive, actor=chief, hold_id=hold_id, review_on=date(2026, 7, 1))


def test_what_fails_leaves_nothing(archive: Archive) -> None:
    chief = person("archive_chief")
    with archive.sessions.begin() as session:
        record = put(session, archive, "APP01")
        record_id = record.id

    def place_and_die() -> None:
        with archive.sessions.begin() as session:
            holding.place(session, archive=archive, actor=chief, told=TOLD, record_ids=[record_id])
            raise RuntimeError("killed")

    with pytest.raises(RuntimeError):
        place_and_die()
    with archive.reading() as session:
        for table in (Hold, HoldSubject, LedgerEntry, StoredObject):
            rows = session.scalar(
                select(func.count())
                .select_from(table)
                .where(LedgerEntry.act.startswith("hold") if table is LedgerEntry else True)  # type: ignore[arg-type]
                .where(StoredObject.key.startswith("e/hold") if table is StoredObject else True)  # type: ignore[arg-type]
            )
            assert rows == 0, table


def test_the_same_form_twice_places_one_hold(archive: Archive) -> None:
    chief, other = person("archive_chief"), person("archivist")
    number = new_id()
    with archive.sessions.begin() as session:
        record = put(session, archive, "APP01")
        for _ in range(2):
            hold = holding.place(
                session, archive=archive, actor=chief, told=TOLD, record_ids=[record.id], hold_id=number
            )
            assert hold.id == number
        assert session.scalar(select(func.count()).select_from(Hold)) == 1
        with pytest.raises(Conflict):
            holding.place(session, archive=archive, actor=other, told=TOLD, record_ids=[record.id], hold_id=number)


def test_who_placed_a_hold_does_not_lift_it_unless_the_profile_says_so(archive: Archive) -> None:
    chief = person("archive_chief")
    with archive.sessions.begin() as session:
        record = put(session, archive, "APP01")
        hold = holding.place(session, archive=archive, actor=chief, told=TOLD, record_ids=[record.id])
        assert not holding.may_lift(session, chief, archive.profile, hold)
        with pytest.raises(Forbidden) as error:
            holding.lift(session, archive=archive, actor=chief, hold_id=hold.id, authority="a", reason="b")
        assert error.value.code == "hold.own"
        loose = replace(archive, profile=replace(archive.profile, per_object_separation=()))
        assert holding.may_lift(session, chief, loose.profile, hold)
        holding.lift(session, archive=loose, actor=chief, hold_id=hold.id, authority="a", reason="b")


def test_holds_of_another_organ_are_not_there(archive: Archive) -> None:
    chief, stranger = person("archive_chief"), person("archive_chief", "990102")
    clerk, township = person("clerk_township", "990101001", "TS"), person("archivist_township", "990101001", "TS")
    with archive.sessions.begin() as session:
        record, secret = put(session, archive, "APP01"), put(session, archive, "APP01")
        secret.access_level = "restricted"
        session.flush()
        hold = holding.place(session, archive=archive, actor=chief, told=TOLD, record_ids=[record.id])
        hidden = holding.place(session, archive=archive, actor=chief, told=TOLD, record_ids=[secret.id])
        for nobody in (stranger, clerk):
            assert holds.list_holds(session, nobody, archive.profile) == []
            assert holds.shown(session, nobody, archive.profile, [record.id]) == {}
            with pytest.raises(NotFound):
                holds.get_hold(session, nobody, hold.id, archive.profile)
        assert [one.id for one in holds.list_holds(session, township, archive.profile)] == [hold.id]
        assert list(holds.shown(session, township, archive.profile, [record.id, secret.id])) == [record.id]
        with pytest.raises(NotFound):
            holds.get_hold(session, township, hidden.id, archive.profile)
        with pytest.raises(NotFound) as error:
            holding.place(session, archive=archive, actor=stranger, told=TOLD, record_ids=[record.id])
        assert error.value.code == "hold.subject_not_found"
        with pytest.raises(Forbidden):
            holding.place(session, archive=archive, actor=township, told=TOLD, record_ids=[record.id])


def test_a_hold_over_several_divisions_is_lifted_by_whoever_reaches_all_of_it(archive: Archive) -> None:
    chief = replace(person("archive_chief"), roles=(RoleHeld("archive_chief", new_id(), "9901", "CB"),))
    near, far = person("archive_chief"), person("bureau_head", "9901")
    with archive.sessions.begin() as session:
        here, there = put(session, archive, "APP01"), put(session, archive, "APP01")
        there.division_code = "990102001001"
        session.flush()
        hold = holding.place(session, archive=archive, actor=chief, told=TOLD, record_ids=[here.id, there.id])
        assert holds.counted(session, near, archive.profile, hold.id) == (1, 0)
        assert [one.id for one in holds.records_of(session, near, archive.profile, hold.id)] == [here.id]
        with pytest.raises(Forbidden) as error:
            holding.lift(session, archive=archive, actor=near, hold_id=hold.id, authority="a", reason="b")
        assert error.value.code == "hold.not_yours"
        holding.lift(session, archive=archive, actor=far, hold_id=hold.id, authority="a", reason="b")


def test_two_people_do_not_change_one_hold_unseen(archive: Archive) -> None:
    chief, archivist, head = person("archive_chief"), person("archivist"), person("bureau_head")
    with archive.sessions.begin() as session:
        record = put(session, archive, "APP01")
        hold = holding.place(session, archive=archive, actor=chief, told=TOLD, record_ids=[record.id])
        seen = hold.row_version
        holding.review(
            session,
            archive=archive,
            actor=archivist,
            hold_id=hold.id,
            review_on=date(2026, 9, 1),
            row_version=seen,
        )
        with pytest.raises(Conflict) as error:
            holding.lift(
                session, archive=archive, actor=head, hold_id=hold.id, authority="a", reason="b", row_version=seen
            )
        assert error.value.code == "hold.changed"
        assert holds.to_review(session, archivist, archive.profile, date(2026, 8, 31)) == []
        assert [one.id for one in holds.to_review(session, archivist, archive.profile, date(2026, 9, 1))] == [hold.id]


@pytest.mark.parametrize(
    "text", ["冻" * 200, "🧊" * 100, "\u200fوقف الإتلاف", "全角ＡＢＣ　１２", "=SUM(A1)", "<script>alert(1)</script>"]
)
def test_every_text_is_kept_as_it_was_written(archive: Archive, text: str) -> None:
    chief = person("archive_chief")
    with archive.sessions.begin() as session:
        record = put(session, archive, "APP01")
        told = NewHold(text, text, text, text)
        hold = holding.place(session, archive=archive, actor=chief, told=told, record_ids=[record.id])
        assert hold.reason == text.replace("\u200f", "")
        assert len(hold.title) <= 200


@pytest.mark.parametrize(
    ("told", "code"),
    [
        (replace(TOLD, title=" "), "hold.title"),
        (replace(TOLD, title="冻" * 201), "hold.title"),
        (replace(TOLD, authority=""), "hold.authority"),
        (replace(TOLD, reason="\x00\x07"), "hold.reason"),
        (replace(TOLD, review_on=date(2025, 12, 31)), "hold.review_on"),
        (replace(TOLD, review_on=date(2126, 12, 31)), "hold.review_on"),
        (replace(TOLD, reason="持证人 11010519491231002X"), "hold.id_number"),
    ],
)
def test_what_makes_no_sense_is_refused(archive: Archive, told: NewHold, code: str) -> None:
    chief = person("archive_chief")
    with archive.sessions.begin() as session:
        record = put(session, archive, "APP01")
        with pytest.raises(Invalid) as error:
            holding.place(session, archive=archive, actor=chief, told=told, record_ids=[record.id])
        assert error.value.code == code
        with pytest.raises(Invalid):
            holding.place(session, archive=archive, actor=chief, told=TOLD)
        with pytest.raises(NotFound):
            holding.place(session, archive=archive, actor=chief, told=TOLD, record_ids=[new_id()])


def test_the_ledger_has_the_acts_without_a_word_of_them(archive: Archive) -> None:
    chief, head = person("archive_chief"), person("bureau_head")
    with archive.sessions.begin() as session:
        record = put(session, archive, "APP01")
        hold = holding.place(session, archive=archive, actor=chief, told=TOLD, record_ids=[record.id])
        holding.lift(session, archive=archive, actor=head, hold_id=hold.id, authority="撤回函", reason="案结")
        rows = session.execute(select(LedgerEntry.act, LedgerEntry.body).order_by(LedgerEntry.seq)).tuples().all()
        acts = [act for act, _ in rows if act.startswith("hold.")]
        assert acts == ["hold.placed", "hold.lifted"]
        assert not any(word in body for _, body in rows for word in ("检察", "案", record.id))
