"""What a person says of records before they are packed: checked, kept, and prevailing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from access.accounts import create_account
from access.actors import Actor, actor_of
from access.organs import create_organ
from ingest import decisions
from ingest.context import Context
from ingest.pipeline import advance
from ingest.suggest.given import give, give_sure
from metadata.errors import Conflict, Forbidden, Invalid
from metadata.household import household_no
from repository.archive import Archive
from repository.clock import local_date
from repository.tables import Account, CaseFile, CaseRecord, Household, Record, RecordPlan

NUMBER = household_no("990101001001", 7)
Deposit = Callable[..., tuple[str, str]]


@pytest.fixture
def waiting(archive: Archive, deposit: Deposit, tmp_path: Path) -> str:
    """A deposit of three papers that waits."""
    folder = tmp_path / "d" / NUMBER
    folder.mkdir(parents=True)
    (folder / "申请书.txt").write_text("最低生活保障申请书\n2024年3月5日")
    (folder / "户口簿.txt").write_text("x")
    (folder / "不知.txt").write_text("y")
    submission_id, state = deposit(tmp_path / "d", accept=False)
    assert state == "waiting"
    return submission_id


def _plans(archive: Archive, submission_id: str) -> dict[str, RecordPlan]:
    with archive.reading() as session:
        rows = session.scalars(select(RecordPlan).where(RecordPlan.submission_id == submission_id)).all()
        return {one.spec["title"]: one for one in rows}


def _give(archive: Archive, actor: Actor, submission_id: str, values: dict[str, dict[str, Any]]) -> int:
    with archive.sessions.begin() as session:
        return give(session, archive=archive, actor=actor, submission_id=submission_id, values=values)


def _accept(archive: Archive, context: Context, actor: Actor, submission_id: str) -> str:
    with archive.sessions.begin() as session:
        decisions.accept(session, archive=archive, actor=actor, submission_id=submission_id)
    return advance(context, submission_id)


def test_what_was_confirmed_is_filed_and_guesses_alone_are_not(
    archive: Archive, context: Context, actor: Actor, waiting: str
) -> None:
    plans = _plans(archive, waiting)
    assert plans["户口簿"].suggested is not None
    assert plans["户口簿"].suggested["document_type"]["value"] == "APP05"
    told = {
        "document_type": "APP01",
        "household_no": NUMBER.lower(),
        "programme": "DB",
        "date": "2024-03-05",
        "title": " 张三的申请书 ",
        "page_count": 2,
    }
    assert _give(archive, actor, waiting, {plans["申请书"].record_id: told}) == 1
    assert _give(archive, actor, waiting, {plans["申请书"].record_id: told}) == 0
    assert _accept(archive, context, actor, waiting) == "done"
    with archive.reading() as session:
        found = {one.title: one for one in session.scalars(select(Record))}
        filed = found["张三的申请书"]
        assert (filed.document_type, filed.programme, str(filed.dated), filed.year) == (
            "APP01",
            "DB",
            "2024-03-05",
            2024,
        )
        assert filed.description["page_count"] == 2
        assert found["户口簿"].document_type is None
        number, programme, record_id = session.execute(
            select(Household.household_no, CaseFile.programme, CaseRecord.record_id)
            .join(CaseFile, CaseFile.household_id == Household.id)
            .join(CaseRecord, CaseRecord.case_file_id == CaseFile.id)
        ).one()
        assert (number, programme, record_id) == (NUMBER, "DB", filed.id)
        assert session.scalar(select(func.count()).select_from(CaseRecord)) == 1


def test_everything_very_likely_at_once(archive: Archive, actor: Actor, waiting: str) -> None:
    plans = _plans(archive, waiting)
    _give(archive, actor, waiting, {plans["申请书"].record_id: {"document_type": "APP02"}})
    with archive.sessions.begin() as session:
        changed = give_sure(session, archive=archive, actor=actor, submission_id=waiting)
    assert changed >= 1
    given = {title: one.given or {} for title, one in _plans(archive, waiting).items()}
    assert given["户口簿"]["document_type"] == "APP05"
    assert given["申请书"]["document_type"] == "APP02"  # what a person said stays
    assert "document_type" not in given["不知"]
    assert "household_no" not in given["不知"]  # the household is likely, its programme is not known
    with archive.sessions.begin() as session:
        assert give_sure(session, archive=archive, actor=actor, submission_id=waiting) == 0


def test_every_fault_is_named_and_nothing_is_kept(archive: Archive, actor: Actor, waiting: str) -> None:
    plans = _plans(archive, waiting)
    wrong = {
        plans["申请书"].record_id: {"document_type": "XYZ99", "date": "2099-01-01", "title": ""},
        plans["户口簿"].record_id: {"household_no": "123", "access_level": "secret", "colour": "red"},
        plans["不知"].record_id: {"household_no": NUMBER, "title": "甲\u202e乙", "note": "x" * 5},
        "nobody": {"title": "x"},
    }
    with pytest.raises(Invalid) as caught:
        _give(archive, actor, waiting, wrong)
    named = {record_id: set(told) for record_id, told in caught.value.params["records"].items()}  # type: ignore[attr-defined]
    assert named == {
        plans["申请书"].record_id: {"document_type", "date", "title"},
        plans["户口簿"].record_id: {"household_no", "access_level", "colour"},
        plans["不知"].record_id: {"programme", "title"},
        "nobody": {""},
    }
    assert all(one.given is None for one in _plans(archive, waiting).values())


def test_a_type_of_another_programme_is_refused(archive: Archive, actor: Actor, waiting: str) -> None:
    record_id = _plans(archive, waiting)["不知"].record_id
    told = {"document_type": "TKA01", "household_no": NUMBER, "programme": "DB"}
    with pytest.raises(Invalid) as caught:
        _give(archive, actor, waiting, {record_id: told})
    assert list(caught.value.params["records"][record_id]) == ["document_type"]  # type: ignore[index]


def test_an_empty_value_takes_back_what_was_chosen_for_all(
    archive: Archive, context: Context, actor: Actor, deposit: Deposit, tmp_path: Path
) -> None:
    folder = tmp_path / "d"
    folder.mkdir()
    (folder / "a.txt").write_text("a")
    (folder / "b.txt").write_text("b")
    submission_id, _ = deposit(folder, accept=False, household_no=NUMBER, programme="DB", document_type="APP01")
    plans = _plans(archive, submission_id)
    _give(archive, actor, submission_id, {plans["b"].record_id: {"document_type": "", "household_no": ""}})
    assert _accept(archive, context, actor, submission_id) == "done"
    with archive.reading() as session:
        found = {one.title: one for one in session.scalars(select(Record))}
        assert (found["a"].document_type, found["b"].document_type) == ("APP01", None)
        filed = session.scalars(select(CaseRecord.record_id)).all()
        assert filed == [found["a"].id]


def test_only_who_is_concerned_and_only_while_it_waits(
    archive: Archive, context: Context, actor: Actor, waiting: str
) -> None:
    common: dict[str, Any] = {"archive": archive, "actor": actor}
    with archive.sessions.begin() as session:
        create_organ(
            session=session, **common, code="ts1", name_zh="镇", name_en="town", level="TS", division_prefix="990101001", parent_code="BUREAU"
        )  # fmt: skip
        create_account(
            session=session, **common, username="clerk", display_name="合成", organ_code="ts1",
            password="vier-wörter-für-den-test", roles=[("clerk_township", "ts1")],
        )  # fmt: skip
    with archive.reading() as session:
        account = session.scalars(select(Account).where(Account.username == "clerk")).one()
        clerk = actor_of(session, account, archive.profile, local_date(archive.clock.now(), archive.zone))
    record_id = _plans(archive, waiting)["不知"].record_id
    with pytest.raises(Forbidden):
        _give(archive, clerk, waiting, {record_id: {"document_type": "APP01"}})
    assert _accept(archive, context, actor, waiting) == "done"
    with pytest.raises(Conflict):
        _give(archive, actor, waiting, {record_id: {"document_type": "APP01"}})
