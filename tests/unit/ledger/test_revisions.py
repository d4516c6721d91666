"""Edits freeze whole states, numbered, before any replica sees them."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from metadata import idcard
from metadata.errors import Conflict, Invalid
from metadata.identifiers import new_id
from repository import entities, pending, revisions
from repository.archive import Archive
from repository.bag.record_json import FileFact, OrganFact, RecordJson
from repository.ledger import checkpoints
from repository.ledger.acts import ActorRef
from repository.storage import layout
from repository.tables import (
    Account,
    AccountRole,
    CaseFile,
    Household,
    LedgerEntry,
    Organ,
    Outbox,
    Record,
    ReplicaObject,
    StoredObject,
    Submission,
)

pytestmark = pytest.mark.both_databases

ACTOR = ActorRef("console:tester", "console")
NUMBER = "11010519491231002X"
OTHER = "44030519900101123" + idcard.check_digit("44030519900101123")


@pytest.fixture
def organ(archive: Archive) -> Organ:
    """A bureau."""
    row = Organ(id=new_id(), code="bureau", name_zh="民政局", level="county", division_prefix="990101")
    with archive.sessions.begin() as session:
        session.add(row)
    return row


@pytest.fixture
def record(archive: Archive, organ: Organ) -> str:
    """A record's id."""
    row = Record(
        id=new_id(),
        title="旧题名",
        organ_id=organ.id,
        division_code="990101001001",
        description={"title": "旧题名"},
        profile_version="x",
        created_at=archive.clock.now(),
    )
    with archive.sessions.begin() as session:
        session.add(row)
    return row.id


def _revise(archive: Archive, record_id: str, title: str) -> int:
    with archive.sessions.begin() as session:
        row = session.scalars(select(Record).where(Record.id == record_id)).one()
        return revisions.revise_description(
            session,
            archive=archive,
            actor=ACTOR,
            record=row,
            description={"title": title, "date": "2025-03-04", "access_marks": ["minors"]},
        )


def test_a_description_is_frozen_numbered_and_said(archive: Archive, record: str, tmp_path: Path) -> None:
    assert [_revise(archive, record, "新题名"), _revise(archive, record, "更新的题名")] == [1, 2]
    with archive.reading() as session:
        row = session.scalars(select(Record).where(Record.id == record)).one()
        assert (row.title, row.description_revision, row.dated) == ("更新的题名", 2, date(2025, 3, 4))
        assert row.access_marks == ["minors"]
        acts_said = session.scalars(select(LedgerEntry.act).where(LedgerEntry.record_id == record)).all()
        assert acts_said == ["description.revised"] * 2
        assert "题名" not in session.scalars(select(LedgerEntry.body)).first()  # type: ignore[operator]
        assert len(session.scalars(select(Outbox)).all()) == 2
        assert session.scalars(select(ReplicaObject.written_at)).all() == [None] * 4
    assert pending.write_pending_objects(archive) == 4
    body = json.loads((tmp_path / "replicas/b" / layout.description_key(record, 2)).read_bytes())
    assert (body["format"], body["revision"], body["description"]["title"]) == ("lantai-description/1", 2, "更新的题名")


def test_the_same_key_with_other_bytes_is_a_conflict(archive: Archive, record: str) -> None:
    _revise(archive, record, "新题名")
    with archive.sessions.begin() as session:
        session.scalars(select(Record).where(Record.id == record)).one().description_revision = 0
    with pytest.raises(Conflict, match="other bytes"):
        _revise(archive, record, "另一题名")
    with archive.reading() as session:
        assert session.scalars(select(Record.title).where(Record.id == record)).one() == "新题名"


def _case(archive: Archive, organ: Organ) -> tuple[CaseFile, Household]:
    now = archive.clock.now()
    family = Household(
        id=new_id(),
        household_no="H1",
        division_code="990101001001",
        applicant_name="张三",
        applicant_id_sealed=archive.keys.seal(NUMBER),
        created_at=now,
    )
    case = CaseFile(
        id=new_id(),
        household_id=family.id,
        programme="DB",
        title="张三",
        division_code="990101001001",
        organ_id=organ.id,
        state={},
        created_at=now,
    )
    return case, family


def test_a_case_file_holds_id_numbers_only_sealed(archive: Archive, organ: Organ) -> None:
    case, family = _case(archive, organ)
    sealed = base64.b64encode(archive.keys.seal(NUMBER)).decode()
    with archive.sessions.begin() as session:
        session.add(family)
        session.flush()
        session.add(case)
        number = revisions.revise_case(
            session,
            archive=archive,
            actor=ACTOR,
            case=case,
            state={"members": [{"name": "李四", "id_sealed": sealed, "id_blind": f"ab {OTHER}"}]},
        )
        assert number == case.revision == 1
        data = session.get(StoredObject, layout.case_key(case.id, 1)).body  # type: ignore[union-attr]
    assert data is not None
    assert NUMBER.encode() not in data
    told = json.loads(data)["household"]["applicant_id_sealed"]
    assert archive.keys.unseal(base64.b64decode(told)) == NUMBER


@pytest.mark.parametrize(
    ("state", "where"),
    [
        ({"members": [{"id": NUMBER}]}, "state.members.0.id"),
        ({"events": [{"note": f"本人 {NUMBER} 申请"}]}, "state.events.0.note"),
    ],
)
def test_a_case_file_with_an_id_number_in_clear_is_refused(
    archive: Archive, organ: Organ, state: dict[str, Any], where: str
) -> None:
    case, family = _case(archive, organ)
    with archive.sessions() as session:
        session.add(family)
        session.flush()
        session.add(case)
        with pytest.raises(Invalid) as refused:
            revisions.revise_case(session, archive=archive, actor=ACTOR, case=case, state=state)
        assert refused.value.params["where"] == where
        assert NUMBER not in refused.value.en + refused.value.zh


def test_entities_come_back_from_their_states_without_secrets(archive: Archive, organ: Organ) -> None:
    now = archive.clock.now()
    account = Account(
        id=new_id(),
        username="li",
        display_name="李",
        organ_id=organ.id,
        password_hash="secret",
        created_at=now,
        active=True,
    )
    role = AccountRole(organ_id=organ.id, role="archivist", starts_on=date(2026, 1, 1))
    state = json.loads(json.dumps(entities.account_state(account, [role])))
    assert "secret" not in str(state)
    back = entities.values(Account, state)
    assert (back["created_at"], back["username"]) == (now, "li")
    assert entities.values(AccountRole, state["roles"][0])["starts_on"] == date(2026, 1, 1)
    submission = Submission(id=new_id(), options={"applicant": NUMBER}, created_at=now, updated_at=now)
    assert NUMBER not in str(entities.submission_state(submission))


def test_entity_revisions_are_numbered_by_what_is_frozen(archive: Archive, organ: Organ) -> None:
    def revise(name: str) -> int:
        with archive.sessions.begin() as session:
            return revisions.revise_entity(
                session, archive=archive, actor=ACTOR, kind="organ", entity_id=organ.id, state={"name_zh": name}
            )

    assert [revise("甲"), revise("乙"), revise("丙")] == [1, 2, 3]


def test_a_changed_profile_needs_a_new_version(archive: Archive, tmp_path: Path) -> None:
    with archive.sessions.begin() as session:
        assert revisions.adopt_profile(session, archive=archive, actor=ACTOR)
        assert not revisions.adopt_profile(session, archive=archive, actor=ACTOR)
    changed = {**archive.profile.files, "profile.yaml": archive.profile.files["profile.yaml"] + b"\n# more\n"}
    other = replace(archive, profile=replace(archive.profile, files=changed))
    with archive.sessions.begin() as session, pytest.raises(Conflict, match="new version"):
        revisions.adopt_profile(session, archive=other, actor=ACTOR)


def test_only_changed_shards_are_written_again(archive: Archive, record: str, act: Callable[[int], None]) -> None:
    _revise(archive, record, "一")
    first = checkpoints.write_checkpoint(archive)
    act(1)
    second = checkpoints.write_checkpoint(archive)
    assert second.number == first.number + 1
    assert (second.written, second.unchanged) == (0, first.written)
    _revise(archive, record, "二")
    third = checkpoints.write_checkpoint(archive)
    assert third.written == 1
    with archive.reading() as session:
        assert session.get(StoredObject, first.key).body is None  # type: ignore[union-attr]
    store = archive.replicas.store("a")
    newest = checkpoints.read_newest(store)
    assert newest is not None
    assert newest.number == third.number
    listed = {row["key"] for row in checkpoints.read_inventory(store, newest)}
    assert layout.description_key(record, 2) in listed
    assert newest.shards[record[:2]][0] == layout.checkpoint_key(third.number, f"{record[:2]}.jsonl")


def test_record_json_is_canonical_and_strict() -> None:
    facts = RecordJson(
        record_id=new_id(),
        title="题名",
        organ=OrganFact(id=new_id(), code="bureau"),
        division_code="990101",
        profile="p/1",
        files=[FileFact(path="data/a", original_name="a", size=1, crc32=4, digests={"sha256": "0" * 64})],
    )
    assert RecordJson.from_bytes(facts.to_bytes()) == facts
    assert facts.to_bytes() == RecordJson.from_bytes(facts.to_bytes()).to_bytes()
    with pytest.raises(Invalid, match="organ"):
        RecordJson.from_bytes(facts.to_bytes().replace(b'"organ"', b'"organs"'))
    with pytest.raises(Invalid):
        RecordJson.from_bytes(b"not json")
