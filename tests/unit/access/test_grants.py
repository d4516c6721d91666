"""Grants: what they permit and until when, renewed, revoked, given back, ended by themselves."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select

from access import grants, request_filing, requests
from access.epochs import epoch
from access.gate import allowed, get_record
from access.request_rules import permissions_for
from metadata.errors import Conflict, Forbidden, Invalid, NotFound
from metadata.rights import Permission
from repository.tables import AccessGrant, AccessRequest, StoredObject
from tests.unit.access.borrowing import Desk

pytestmark = pytest.mark.both_databases


def _granted(desk: Desk, **given: Any) -> tuple[str, str]:
    record = desk.record()
    made = desk.file(records=[record], **given)
    desk.decide(made, ["*"])
    return made, record


def _sees(desk: Desk, record: str, name: str = "borrower") -> bool:
    with desk.archive.reading() as session:
        try:
            get_record(session, desk.actor(session, name), record, desk.archive.profile)
        except NotFound:
            return False
        return True


def _row(desk: Desk, request_id: str) -> AccessRequest:
    with desk.archive.reading() as session:
        return session.scalars(select(AccessRequest).where(AccessRequest.id == request_id)).one()


def test_what_a_grant_permits() -> None:
    look = {"case.read", "record.list", "record.read", "search"}
    assert permissions_for("screen", "masked") == look
    assert permissions_for("copy", "masked") == look | {"record.download"}
    assert permissions_for("copy", "full") == look | {"record.download", "unmask"}


def test_a_grant_lasts_whole_days_and_ends_by_itself(desk: Desk) -> None:
    made, record = _granted(desk)
    assert desk.grant(made).ends_at.astimezone(ZoneInfo("Asia/Shanghai")) == datetime(
        2026, 1, 9, tzinfo=ZoneInfo("Asia/Shanghai")
    )
    assert _sees(desk, record)
    assert not _sees(desk, record, "other")
    desk.later(days=4)
    assert not _sees(desk, record)
    with desk.archive.sessions.begin() as session:
        before = epoch(session, desk.ids["borrower"])
        assert grants.end_due(session, desk.archive) == 1
        assert grants.end_due(session, desk.archive) == 0
        assert epoch(session, desk.ids["borrower"]) > before
    assert desk.state(made)[0] == "closed"
    assert desk.ledger()[-2:] == ["grant.ended", "request.closed"]


def test_screen_or_copy_and_numbers(desk: Desk) -> None:
    made, _record = _granted(desk, form="copy", numbers="full")
    with desk.archive.reading() as session:
        actor = desk.actor(session, "borrower")
        assert allowed(actor, Permission.RECORD_DOWNLOAD, desk.archive.profile)
        assert allowed(actor, Permission.UNMASK, desk.archive.profile)
    other = desk.file("other", records=[desk.record()], form="copy", numbers="full")
    desk.decide(other, ["*"], form="screen", numbers="masked", days=1)
    with desk.archive.reading() as session:
        actor = desk.actor(session, "other")
        assert allowed(actor, Permission.RECORD_READ, desk.archive.profile)
        assert not allowed(actor, Permission.RECORD_DOWNLOAD, desk.archive.profile)
        assert not allowed(actor, Permission.UNMASK, desk.archive.profile)
    assert desk.grant(other).ends_at < desk.grant(made).ends_at


def test_revoked_at_any_moment_by_the_approver_alone(desk: Desk) -> None:
    made, record = _granted(desk)
    for name in ("archivist", "borrower", "chief"):
        with desk.archive.sessions.begin() as session, pytest.raises(Forbidden):
            grants.revoke(
                session, archive=desk.archive, actor=desk.actor(session, name), request=_row(desk, made), reason="x"
            )
    with desk.archive.sessions.begin() as session:
        head = desk.actor(session, "head")
        row = requests.get(session, head, made, desk.archive.profile)
        assert [one.id for one, _ in requests.grants_of_others(session, head, desk.archive)] == [made]
        with pytest.raises(Invalid):
            grants.revoke(session, archive=desk.archive, actor=head, request=row, reason=" ")
        grants.revoke(session, archive=desk.archive, actor=head, request=row, reason="公函有误")
        with pytest.raises(Conflict):
            grants.revoke(session, archive=desk.archive, actor=head, request=row, reason="again")
    assert not _sees(desk, record)
    assert desk.state(made)[0] == "revoked"
    assert desk.grant(made).revoke_reason == "公函有误"
    assert desk.ledger()[-2:] == ["grant.revoked", "request.revoked"]


def test_given_back_before_its_end(desk: Desk) -> None:
    made, record = _granted(desk)
    with desk.archive.sessions.begin() as session, pytest.raises(NotFound):
        grants.give_back(session, archive=desk.archive, actor=desk.actor(session, "other"), request=_row(desk, made))
    with desk.archive.sessions.begin() as session:
        actor = desk.actor(session, "borrower")
        row = requests.get(session, actor, made, desk.archive.profile)
        grants.give_back(session, archive=desk.archive, actor=actor, request=row)
        with pytest.raises(Conflict):
            grants.give_back(session, archive=desk.archive, actor=actor, request=row)
    assert not _sees(desk, record)
    assert desk.state(made)[0] == "closed"


def _ask_longer(desk: Desk, request_id: str, days: int = 3) -> str:
    with desk.archive.sessions.begin() as session:
        actor = desk.actor(session, "borrower")
        row = requests.get(session, actor, request_id, desk.archive.profile)
        return request_filing.ask_longer(
            session, archive=desk.archive, actor=actor, request=row, days=days, said="还没有核对完"
        ).id


def test_renewed_once_and_no_more(desk: Desk) -> None:
    made, record = _granted(desk)
    desk.later(days=2)
    longer = _ask_longer(desk, made)
    with pytest.raises(Conflict, match="waits"):
        _ask_longer(desk, made)
    desk.decide(longer, ["*"])
    desk.later(days=2)
    assert _sees(desk, record)
    assert (desk.grant(made).renewals, desk.state(longer)) == (1, ("approved", "whole"))
    with pytest.raises(Conflict, match="at most 1"):
        _ask_longer(desk, made)
    desk.later(days=10)
    assert not _sees(desk, record)
    with desk.archive.sessions.begin() as session:
        grants.end_due(session, desk.archive)
    assert (desk.state(made)[0], desk.state(longer)[0]) == ("closed", "closed")


def test_a_renewal_that_comes_too_late(desk: Desk) -> None:
    made, _record = _granted(desk)
    longer = _ask_longer(desk, made)
    desk.later(days=9)
    with pytest.raises(Conflict, match="over"):
        desk.decide(longer, ["*"])
    with desk.archive.sessions.begin() as session:
        grants.end_due(session, desk.archive)
    assert desk.state(longer)[0] == "closed"
    with pytest.raises(Conflict):
        _ask_longer(desk, made)


def test_a_renewal_refused_leaves_the_grant_as_it_is(desk: Desk) -> None:
    made, record = _granted(desk)
    ends = desk.grant(made).ends_at
    longer = _ask_longer(desk, made)
    desk.decide(longer, reason="scope_too_wide")
    assert desk.grant(made).ends_at == ends
    assert _sees(desk, record)
    assert desk.state(made)[0] == "approved"


def test_reminded_once_before_the_end(desk: Desk) -> None:
    made, _record = _granted(desk)
    with desk.archive.sessions.begin() as session:
        assert grants.remind_due(session, desk.archive) == 0
        assert requests.ending_soon(session, desk.actor(session, "borrower"), desk.archive) == []
    desk.later(days=3)
    with desk.archive.sessions.begin() as session:
        assert grants.remind_due(session, desk.archive) == 1
        assert grants.remind_due(session, desk.archive) == 0
        ending = requests.ending_soon(session, desk.actor(session, "borrower"), desk.archive)
        assert [one.id for one, _ in ending] == [made]
    assert desk.acts(made)[-1] == "reminded"


def test_every_step_leaves_a_revision(desk: Desk) -> None:
    made, _record = _granted(desk)
    with desk.archive.reading() as session:
        grant = session.scalars(select(AccessGrant)).one()
        keys = set(session.scalars(select(StoredObject.key).where(StoredObject.kind == "entity")))
        assert {f"e/request/{made[:2]}/{made}/d0000{n}.json" for n in (1, 2)} <= keys
        assert f"e/grant/{grant.id[:2]}/{grant.id}/d00001.json" in keys
        assert (_row(desk, made).revision, grant.revision) == (2, 1)
