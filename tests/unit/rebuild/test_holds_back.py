"""Holds come back with a rebuild; a lifting that was never sealed does not."""

from __future__ import annotations

from typing import Any

from sqlalchemy import delete, select

from access.actors import Actor, RoleHeld
from metadata.identifiers import new_id
from repository import pending
from repository.ledger.seal import seal
from repository.rebuild import rebuild
from repository.tables import Hold, LedgerEntry, LedgerPending
from retention import holding, holds
from retention.holding import NewHold

CHIEF = Actor(new_id(), "account", "某人", None, (RoleHeld("archive_chief", None, "990101", "CB"),))
HEAD = Actor(new_id(), "account", "某人", None, (RoleHeld("bureau_head", None, "990101", "CB"),))
TOLD = NewHold("检察调卷", "云岭县人民检察院", "案件侦查期间不得处置")


def _place(county: Any) -> str:
    with county.archive.sessions.begin() as session:
        hold = holding.place(session, archive=county.archive, actor=CHIEF, told=TOLD, case_file_ids=[county.case_id])
        return hold.id


def _lift(county: Any, hold_id: str) -> None:
    with county.archive.sessions.begin() as session:
        holding.lift(session, archive=county.archive, actor=HEAD, hold_id=hold_id, authority="撤回函", reason="案结")


def test_a_hold_and_a_sealed_lifting_come_back(county: Any) -> None:
    stands, ended = _place(county), _place(county)
    _lift(county, ended)
    seal(county.archive)
    pending.write_pending_objects(county.archive)
    fresh = county.fresh()
    report = rebuild(fresh, "b", present=county.archive.reading)
    assert report.counts["holds"] == 2
    assert not any(name.startswith("other_") for name in report.counts)
    assert [one for one in report.differences if one.kind == "hold"] == []
    with fresh.reading() as session:
        assert set(holds.blocks(session, county.records)) == set(county.records)
        assert [one.id for one in holds.held(session, county.records)[county.records[0]]] == [stands]
        lifted = session.scalars(select(Hold).where(Hold.id == ended)).one()
        assert (lifted.lift_reason, lifted.lifted_by) == ("案结", HEAD.id)
        assert holds.state_of(session, lifted) == "lifted"
    with fresh.sessions.begin() as session:
        again = holding.lift(session, archive=fresh, actor=HEAD, hold_id=stands, authority="撤回函", reason="案结")
        assert again.revision == 2


def test_a_lifting_that_was_not_sealed_never_took_effect(county: Any) -> None:
    hold_id = _place(county)
    seal(county.archive)
    _lift(county, hold_id)
    pending.write_pending_objects(county.archive)  # the state reaches the stores, the entry does not
    fresh = county.fresh()
    rebuild(fresh, "a")
    with fresh.reading() as session:
        hold = session.scalars(select(Hold)).one()
        assert (hold.lift_entry, hold.lifted_by, hold.lift_reason) == (None, None, "")
        assert holds.blocks(session, county.records) == set(county.records)


def test_an_entry_that_is_nowhere_lifts_nothing(county: Any) -> None:
    hold_id = _place(county)
    _lift(county, hold_id)
    with county.archive.sessions.begin() as session:
        entry = session.scalars(select(LedgerEntry).where(LedgerEntry.act == "hold.lifted")).one()
        session.execute(delete(LedgerPending).where(LedgerPending.entry_seq == entry.seq))
        session.delete(entry)
    with county.archive.reading() as session:
        assert holds.blocks(session, county.records) == set(county.records)
