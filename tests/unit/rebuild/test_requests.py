"""Requests, what they mean, grants and letters come back from the replicas, with the ends they had."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select, update

from access import grants, letters, request_decisions, request_filing
from access.actors import Actor, actor_of
from access.gate import get_record
from access.letters import Letter
from access.request_decisions import Decision
from access.request_rules import Asking, Wanted
from metadata.errors import NotFound
from metadata.identifiers import new_id
from repository.clock import local_date
from repository.entities import account_state, organ_state
from repository.ledger.acts import ActorRef
from repository.rebuild import rebuild
from repository.revisions import revise_entity
from repository.tables import (
    AccessGrant,
    AccessRequest,
    Account,
    AccountRole,
    GrantSubject,
    Organ,
    Record,
    RequestSubject,
)

CONSOLE = ActorRef("console:tester", "console")
LETTER = Letter("介绍信.pdf", "application/pdf", b"%PDF-1.7 letter")


def _person(county: Any, name: str, role: str, organ: Organ) -> str:
    archive = county.archive
    with archive.sessions.begin() as session:
        if session.get(Organ, organ.id) is None:
            session.add(organ)
            session.flush()
            organ.revision = revise_entity(
                session, archive=archive, actor=CONSOLE, kind="organ", entity_id=organ.id, state=organ_state(organ)
            )
        account = Account(
            id=new_id(), username=name, display_name=name, organ_id=organ.id, created_at=archive.clock.now()
        )
        session.add(account)
        session.flush()
        held = AccountRole(account_id=account.id, organ_id=organ.id, role=role)
        session.add(held)
        session.flush()
        state = account_state(account, [held])
        revise_entity(session, archive=archive, actor=CONSOLE, kind="account", entity_id=account.id, state=state)
        return account.id


def _actor(archive: Any, session: Any, account_id: str) -> Actor:
    now = archive.clock.now()
    account = session.get(Account, account_id)
    return actor_of(session, account, archive.profile, local_date(now, archive.zone), now)


def _filed(county: Any, borrower: str, records: list[str]) -> str:
    with county.archive.sessions.begin() as session:
        return request_filing.file(
            session,
            archive=county.archive,
            actor=_actor(county.archive, session, borrower),
            asking=Asking(
                requester="statutory",
                wanted=Wanted("records", record_ids=tuple(records)),
                purpose="statutory_case",
                purpose_text="办案",
                days=3,
                details={"case_reference": "云检 3 号", "officer_1": "甲", "officer_2": "乙"},
            ),
            letter=LETTER,
        ).id


def _decided(county: Any, head: str, request_id: str, record_id: str) -> None:
    with county.archive.sessions.begin() as session:
        request_decisions.decide(
            session,
            archive=county.archive,
            actor=_actor(county.archive, session, head),
            request=session.scalars(select(AccessRequest).where(AccessRequest.id == request_id)).one(),
            decision=Decision(granted=frozenset({("record", record_id)})),
        )


@pytest.fixture
def desk(county: Any) -> dict[str, str]:
    """Three requests: one granted in part, one granted and revoked, one that waits."""
    with county.archive.sessions.begin() as session:
        session.execute(update(Record).values(access_marks=[]))
        bureau = session.get(Organ, county.organ_id)
    court = Organ(id=new_id(), code="court", name_zh="法院", level="JU", division_prefix="")
    ids = {
        "borrower": _person(county, "b", "statutory_user", court),
        "head": _person(county, "h", "bureau_head", bureau),
    }
    for name in ("kept", "revoked", "waiting"):
        ids[name] = _filed(county, ids["borrower"], county.records)
    _decided(county, ids["head"], ids["kept"], county.records[0])
    _decided(county, ids["head"], ids["revoked"], county.records[1])
    with county.archive.sessions.begin() as session:
        row = session.scalars(select(AccessRequest).where(AccessRequest.id == ids["revoked"])).one()
        head = _actor(county.archive, session, ids["head"])
        grants.revoke(session, archive=county.archive, actor=head, request=row, reason="公函有误")
    county.settle()
    return ids


def _rows(archive: Any, table: Any, left_out: tuple[str, ...] = ()) -> list[dict[str, Any]]:
    with archive.reading() as session:
        columns = [one for one in table.__table__.columns if one.key not in left_out]
        return [dict(row) for row in session.execute(select(*columns).order_by(*columns[:3])).mappings()]


def test_requests_and_grants_come_back(county: Any, desk: dict[str, str]) -> None:
    fresh = county.fresh()
    report = rebuild(fresh, "b")
    assert report.complete, report.as_dict()
    assert (report.counts["requests"], report.counts["grants"]) == (3, 2)
    for table in (RequestSubject, GrantSubject):
        assert _rows(fresh, table) == _rows(county.archive, table)
    assert _rows(fresh, AccessRequest) == _rows(county.archive, AccessRequest)
    assert _rows(fresh, AccessGrant, ("seq",)) == _rows(county.archive, AccessGrant, ("seq",))
    with fresh.reading() as session:
        borrower, head = _actor(fresh, session, desk["borrower"]), _actor(fresh, session, desk["head"])
        assert [one.id for one in head.grants if one.waiting] == [desk["waiting"]]
        session.execute(select(1))
    with fresh.sessions.begin() as session:
        session.execute(update(Record).values(access_marks=[]))
        assert get_record(session, borrower, county.records[0], fresh.profile).id == county.records[0]
        with pytest.raises(NotFound):
            get_record(session, borrower, county.records[1], fresh.profile)


def test_the_letter_is_read_from_a_replica_after_a_rebuild(county: Any, desk: dict[str, str]) -> None:
    fresh = county.fresh()
    rebuild(fresh, "a")
    with fresh.reading() as session:
        row = session.scalars(select(AccessRequest).where(AccessRequest.id == desk["kept"])).one()
        assert letters.read(session, fresh, row.letter_id or "") == LETTER


def test_numbers_go_on_after_a_rebuild(county: Any, desk: dict[str, str]) -> None:
    fresh = county.fresh()
    rebuild(fresh, "a")
    county.archive = fresh
    made = _filed(county, desk["borrower"], county.records)
    with fresh.reading() as session:
        row = session.scalars(select(AccessRequest).where(AccessRequest.id == made)).one()
        assert row.number == "JY2026-000004"
