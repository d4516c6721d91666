"""Order within a household file: given by people, kept in revisions, never two people's at once."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import Engine, select

from metadata.errors import Conflict, Invalid
from metadata.household import household_no
from metadata.identifiers import new_id
from metadata.profile import builtin
from repository import arranging, cases
from repository.archive import Archive
from repository.cases import Filed
from repository.clock import FixedClock
from repository.db import open_sessions, reading_sessions
from repository.keys import Keys
from repository.ledger.acts import ActorRef
from repository.revisions import revise_case
from repository.storage.local import LocalStore
from repository.storage.replicas import Replicas
from repository.tables import CaseFile, CaseRecord, LedgerEntry, Organ, Outbox, Record, StoredObject

pytestmark = pytest.mark.both_databases

ACTOR = ActorRef("console:tester", "console")
KINDS = ("APP01", "APP02", "CHK07")


@pytest.fixture
def archive(engine: Engine, clock: FixedClock, tmp_path: Path) -> Archive:
    """An archive on one replica."""
    store = LocalStore("a", tmp_path / "replicas" / "a")
    store.prepare()
    return Archive(
        holding_id=new_id(),
        zone="Asia/Shanghai",
        sessions=open_sessions(engine),
        reading=reading_sessions(engine),
        replicas=Replicas([store]),
        keys=Keys.create(tmp_path / "keys", now=clock.now()),
        clock=clock,
        profile=builtin("social_assistance"),
        quarantine=tmp_path / "quarantine",
        derivatives=tmp_path / "derivatives",
    )


def _record(archive: Archive, kind: str) -> str:
    row = Record(
        id=new_id(),
        title=kind,
        document_type=kind,
        dated=date(2024, 1, 1),
        organ_id="organ",
        division_code="990101001001",
        description={"title": kind},
        profile_version="x",
        created_at=archive.clock.now(),
    )
    with archive.sessions.begin() as session:
        session.add(row)
    return row.id


@pytest.fixture
def case(archive: Archive) -> str:
    """A household file with three papers in the profile's order; its id."""
    with archive.sessions.begin() as session:
        session.add(Organ(id="organ", code="bureau", name_zh="民政局", level="CB", division_prefix="990101"))
        session.flush()
        household = cases.household(
            session, archive=archive, household_no=household_no("990101001001", 7), division_code="990101001001"
        )
        made, _ = cases.case_file(session, archive=archive, household=household, programme="DB", organ_id="organ")
        case_id = made.id
    records = [_record(archive, kind) for kind in KINDS]
    with archive.sessions.begin() as session:
        links = {case_id: [Filed(one, kind, date(2024, 1, 1)) for one, kind in zip(records, KINDS, strict=True)]}
        ((found, state),) = cases.add_records(session, archive=archive, links=links)
        revise_case(session, archive=archive, actor=ACTOR, case=found, state=state)
    return case_id


def _order(archive: Archive, case_id: str) -> list[str]:
    with archive.reading() as session:
        wanted = select(CaseRecord.record_id).where(CaseRecord.case_file_id == case_id).order_by(CaseRecord.position)
        return list(session.scalars(wanted))


def _arrange(archive: Archive, case_id: str, order: list[str], row_version: int | None = None) -> int:
    with archive.sessions.begin() as session:
        case = session.scalars(select(CaseFile).where(CaseFile.id == case_id)).one()
        return arranging.arrange(session, archive=archive, actor=ACTOR, case=case, order=order, row_version=row_version)


def test_an_order_is_kept_with_a_revision_that_names_it(archive: Archive, case: str) -> None:
    first, second, third = _order(archive, case)
    assert _arrange(archive, case, [third, first, second]) == 2
    assert _order(archive, case) == [third, first, second]
    with archive.reading() as session:
        bodies = session.scalars(
            select(StoredObject.body).where(StoredObject.kind == "case_file").order_by(StoredObject.key.desc())
        ).first()
        assert bodies is not None
        assert json.loads(bodies)["records"] == [third, first, second]
        acts = session.scalars(select(LedgerEntry.act).where(LedgerEntry.case_file_id == case)).all()
    assert acts == ["case_file.revised"] * 2


def test_the_same_order_again_leaves_nothing(archive: Archive, case: str) -> None:
    order = _order(archive, case)
    assert _arrange(archive, case, order) == 1
    assert _arrange(archive, case, order[:1]) == 1


def test_who_names_a_part_moves_only_that(archive: Archive, case: str) -> None:
    first, second, third = _order(archive, case)
    _arrange(archive, case, [third, first])
    assert _order(archive, case) == [third, second, first]


def test_two_people_do_not_overwrite_each_other(archive: Archive, case: str) -> None:
    first, second, third = _order(archive, case)
    with archive.reading() as session:
        seen = session.scalars(select(CaseFile.row_version).where(CaseFile.id == case)).one()
    _arrange(archive, case, [second, first, third], seen)
    with pytest.raises(Conflict) as told:
        _arrange(archive, case, [third, second, first], seen)
    assert told.value.code == "case.changed"
    assert told.value.params["row_version"] == seen + 1
    assert _order(archive, case) == [second, first, third]


@pytest.mark.parametrize("wrong", ["twice", "foreign"])
def test_what_is_not_in_the_file_is_refused_whole(archive: Archive, case: str, wrong: str) -> None:
    order = _order(archive, case)
    given = [*order, order[0]] if wrong == "twice" else [*order, _record(archive, "APP01")]
    with pytest.raises(Invalid) as told:
        _arrange(archive, case, given)
    assert told.value.code == "case.not_in_file"
    assert _order(archive, case) == order


def test_a_new_paper_does_not_undo_what_a_person_arranged(archive: Archive, case: str) -> None:
    first, second, third = _order(archive, case)
    _arrange(archive, case, [third, second, first])
    late = _record(archive, "APP02")
    with archive.sessions.begin() as session:
        row = session.scalars(select(CaseFile).where(CaseFile.id == case)).one()
        filed = [Filed(late, "APP02", date(2024, 1, 1))]
        assert arranging.put_in(session, archive=archive, actor=ACTOR, case=row, records=filed) == [late]
        assert arranging.put_in(session, archive=archive, actor=ACTOR, case=row, records=filed) == []
    order = _order(archive, case)
    assert [one for one in order if one != late] == [third, second, first]
    assert order.index(late) > order.index(second)


def test_in_the_profile_s_order_a_new_paper_finds_its_place(archive: Archive, case: str) -> None:
    late = _record(archive, "APP02")
    with archive.sessions.begin() as session:
        row = session.scalars(select(CaseFile).where(CaseFile.id == case)).one()
        arranging.put_in(
            session, archive=archive, actor=ACTOR, case=row, records=[Filed(late, "APP02", date(2024, 1, 2))]
        )
    assert _order(archive, case).index(late) == 2


def test_taken_out_is_out_once_and_told_to_the_index(archive: Archive, case: str) -> None:
    first, second, third = _order(archive, case)
    with archive.sessions.begin() as session:
        row = session.scalars(select(CaseFile).where(CaseFile.id == case)).one()
        ids = [second, new_id()]
        assert arranging.take_out(session, archive=archive, actor=ACTOR, case=row, record_ids=ids) == [second]
        assert arranging.take_out(session, archive=archive, actor=ACTOR, case=row, record_ids=ids) == []
        assert row.revision == 2
    assert _order(archive, case) == [first, third]
    with archive.reading() as session:
        assert session.scalars(select(Outbox.subject_id).where(Outbox.subject_id == second)).all() == [second]
        assert session.scalars(select(Record.state).where(Record.id == second)).one() == "active"
