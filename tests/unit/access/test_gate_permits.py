"""What an actor may do, kept while nothing has changed: gone at the next request when it has, in every process."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import Engine, event, select

from access import gate
from access.accounts import SYSTEM, create_account
from access.epochs import moved
from access.permits import Permits, SignedIn
from access.sessions import open_session
from metadata.identifiers import new_id
from metadata.rights import Permission
from repository.clock import FixedClock
from repository.tables import AccessGrant, AccessRequest, Account, AccountRole, GrantSubject, LoginSession
from tests.unit.access.conftest import County


def _person(county: County, role: str = "clerk_township", organ: str = "east") -> tuple[str, str]:
    """An account with a role and a session: its id and the token."""
    with county.archive.sessions.begin() as session:
        account = create_account(
            session,
            archive=county.archive,
            actor=SYSTEM,
            username="zhou",
            display_name="某人",
            organ_code=organ,
            password=None,
            roles=[(role, organ)],
        )
        token, _ = open_session(session, account, clock=county.archive.clock)
        return account.id, token


def _ask(county: County, permits: Permits, token: str) -> SignedIn | None:
    with county.archive.reading() as session:
        return permits.signed_in(session, archive=county.archive, token=token)


def _may(county: County, permits: Permits, token: str, permission: Permission = Permission.RECORD_READ) -> bool:
    found = _ask(county, permits, token)
    return found is not None and gate.allowed(found.actor, permission, county.archive.profile)


def _grant(county: County, account_id: str, record_id: str, *, begins: timedelta, lasts: timedelta) -> str:
    now = county.archive.clock.now()
    with county.archive.sessions.begin() as session:
        account = session.get_one(Account, account_id)
        request = AccessRequest(
            id=new_id(),
            number="JY-2026-00001",
            account_id=account_id,
            organ_id=account.organ_id,
            requester="x",
            purpose="x",
            days=1,
            wanted={},
            state="approved",
            profile_version="x",
            created_at=now,
            updated_at=now,
        )
        session.add(request)
        session.flush()
        grant = AccessGrant(
            id=new_id(),
            request_id=request.id,
            account_id=account_id,
            permissions=["record.read", "record.list"],
            starts_at=now + begins,
            ends_at=now + begins + lasts,
            created_at=now,
        )
        session.add(grant)
        session.flush()
        session.add(GrantSubject(grant_id=grant.id, kind="record", subject_id=record_id))
        moved(session, [account_id])
        return grant.id


def test_a_request_costs_one_small_query(county: County, engine: Engine) -> None:
    _, token = _person(county)
    permits, asked = Permits(), list[str]()
    first = _ask(county, permits, token)
    event.listen(engine, "before_cursor_execute", lambda *given: asked.append(given[2]))
    again = _ask(county, permits, token)
    assert first is not None
    assert again is not None
    assert again.actor is first.actor
    assert [one for one in asked if not one.startswith(("BEGIN", "ROLLBACK"))] == asked[-1:], asked


@pytest.mark.parametrize("processes", [1, 2])
def test_a_role_taken_away_is_gone_at_the_next_request(county: County, processes: int) -> None:
    account_id, token = _person(county)
    known = [Permits() for _ in range(processes)]
    assert all(_may(county, one, token) for one in known)
    with county.archive.sessions.begin() as session:
        row = session.scalars(select(AccountRole).where(AccountRole.account_id == account_id)).one()
        row.ends_on = row.starts_on
        moved(session, [account_id])
    assert not any(_may(county, one, token) for one in known)


def test_what_concerns_everybody_is_seen_by_everybody(county: County) -> None:
    account_id, token = _person(county)
    permits = Permits()
    assert _may(county, permits, token)
    with county.archive.sessions.begin() as session:
        session.scalars(select(AccountRole).where(AccountRole.account_id == account_id)).one().role = "statistician"
        moved(session)
    assert not _may(county, permits, token)


def test_a_role_ends_at_midnight_of_the_bureau(county: County, clock: FixedClock) -> None:
    clock.moment = datetime(2026, 3, 9, 15, 30, tzinfo=UTC)  # 23:30 in Shanghai
    account_id, token = _person(county)
    with county.archive.sessions.begin() as session:
        row = session.scalars(select(AccountRole).where(AccountRole.account_id == account_id)).one()
        row.ends_on = date(2026, 3, 10)
        moved(session, [account_id])
    permits = Permits()
    assert _may(county, permits, token)
    clock.moment += timedelta(minutes=29, seconds=59)
    assert _may(county, permits, token)
    clock.moment += timedelta(seconds=1)
    assert not _may(county, permits, token)


def test_a_role_begins_at_midnight_of_the_bureau(county: County, clock: FixedClock) -> None:
    clock.moment = datetime(2026, 3, 9, 15, 30, tzinfo=UTC)
    account_id, token = _person(county)
    with county.archive.sessions.begin() as session:
        row = session.scalars(select(AccountRole).where(AccountRole.account_id == account_id)).one()
        row.starts_on = date(2026, 3, 10)
        moved(session, [account_id])
    permits = Permits()
    assert not _may(county, permits, token)
    clock.moment += timedelta(minutes=30)
    assert _may(county, permits, token)


def test_a_grant_begins_ends_and_is_revoked(county: County, put: Callable[..., str], clock: FixedClock) -> None:
    with county.archive.sessions.begin() as session:
        record_id = put(session)
    account_id, token = _person(county, "borrower_external", "insurance")
    permits = Permits()
    assert not _may(county, permits, token)
    grant_id = _grant(county, account_id, record_id, begins=timedelta(minutes=10), lasts=timedelta(minutes=20))
    assert not _may(county, permits, token)
    clock.moment += timedelta(minutes=10)
    assert _may(county, permits, token)
    clock.moment += timedelta(minutes=19, seconds=59)
    assert _may(county, permits, token)
    other = Permits()
    assert _may(county, other, token)
    with county.archive.sessions.begin() as session:
        session.get_one(Account, account_id)
        grant = session.scalars(select(AccessGrant).where(AccessGrant.id == grant_id)).one()
        grant.revoked_at = clock.now()
        moved(session, [account_id])
    assert not _may(county, permits, token)
    assert not _may(county, other, token)
    with county.archive.sessions.begin() as session:
        session.scalars(select(AccessGrant).where(AccessGrant.id == grant_id)).one().revoked_at = None
        moved(session, [account_id])
    assert _may(county, permits, token)
    clock.moment += timedelta(seconds=1)
    assert not _may(county, permits, token)


def test_a_clock_put_back_asks_anew(county: County, clock: FixedClock) -> None:
    account_id, token = _person(county)
    permits = Permits()
    with county.archive.sessions.begin() as session:
        row = session.scalars(select(AccountRole).where(AccountRole.account_id == account_id)).one()
        row.starts_on = clock.now().date()
        session.scalars(select(LoginSession)).one().expires_at += timedelta(days=9)
        moved(session, [account_id])
    assert _may(county, permits, token)
    clock.moment -= timedelta(days=2)
    assert not _may(county, permits, token)


def test_an_ended_session_and_a_closed_account_are_nobody(county: County, clock: FixedClock) -> None:
    account_id, token = _person(county)
    permits = Permits()
    assert _ask(county, permits, token) is not None
    assert _ask(county, permits, token + "x") is None
    assert _ask(county, permits, "") is None
    with county.archive.sessions.begin() as session:
        session.get_one(Account, account_id).active = False
    assert _ask(county, permits, token) is None
    with county.archive.sessions.begin() as session:
        session.get_one(Account, account_id).active = True
    assert _ask(county, permits, token) is not None
    clock.moment += timedelta(hours=1)
    assert _ask(county, permits, token) is None


def test_use_is_to_be_noted_once_a_minute_and_reading_writes_nothing(county: County, clock: FixedClock) -> None:
    _, token = _person(county)
    permits = Permits()
    found = _ask(county, permits, token)
    assert found is not None
    assert not found.unnoted
    clock.moment += timedelta(minutes=1)
    for _ in range(2):
        found = _ask(county, permits, token)
        assert found is not None
        assert found.unnoted


def test_no_more_than_so_many_are_kept(county: County) -> None:
    permits = Permits(most=3)
    with county.archive.sessions.begin() as session:
        accounts = [
            create_account(
                session,
                archive=county.archive,
                actor=SYSTEM,
                username=f"person{number}",
                display_name="某人",
                organ_code="east",
                password=None,
                roles=[("clerk_township", "east")],
            )
            for number in range(5)
        ]
        for account in accounts:
            permits.actor(session, archive=county.archive, account=account, epoch=1)
        assert len(permits) == 3
        kept = permits.actor(session, archive=county.archive, account=accounts[-1], epoch=1)
        assert permits.actor(session, archive=county.archive, account=accounts[-1], epoch=1) is kept
        narrowed = permits.actor(
            session, archive=county.archive, account=accounts[-1], epoch=1, only=frozenset({"deposit"})
        )
        assert not gate.allowed(narrowed, Permission.RECORD_READ, county.archive.profile)
        assert gate.allowed(kept, Permission.RECORD_READ, county.archive.profile)
